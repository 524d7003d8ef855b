/*
 * The control protocol's text: what is no request is refused with a reason and
 * the id it can be answered to; parameters are checked by a table.
 *
 * sources: dom0/daemon/rpc.c dom0/daemon/fault.c
 * libs: -ljansson
 */
#include "dom0/daemon/rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int parse(const char *line, struct rpc_request *req, struct fault *f)
{
    *f = (struct fault){0};
    return rpc_parse(line, strlen(line), req, f);
}

static void test_request_is_read(void **state)
{
    struct rpc_request req;
    struct fault f;

    (void)state;
    assert_int_equal(
        parse("{\"id\":7,\"method\":\"list\",\"params\":{\"a\":1}}", &req, &f),
        0);
    assert_int_equal(req.id, 7);
    assert_string_equal(req.method, "list");
    assert_int_equal(rpc_int(req.params, "a", 0), 1);
    rpc_release(&req);
}

static void test_params_may_be_absent(void **state)
{
    struct rpc_request req;
    struct fault f;

    (void)state;
    assert_int_equal(parse("{\"id\":1,\"method\":\"list\"}", &req, &f), 0);
    assert_true(json_is_object(req.params));
    rpc_release(&req);
}

static void test_what_is_no_request_is_refused(void **state)
{
    static const struct {
        const char *line, *reason;
        json_int_t id;
    } cases[] = {
        {"", "not JSON", 0},
        {"{", "not JSON", 0},
        {"hello", "not JSON", 0},
        {"[1]", "JSON object", 0},
        {"{\"method\":\"list\"}", "\"id\"", 0},
        {"{\"id\":\"1\",\"method\":\"list\"}", "\"id\"", 0},
        {"{\"id\":1.5,\"method\":\"list\"}", "\"id\"", 0},
        {"{\"id\":3}", "\"method\"", 3},
        {"{\"id\":3,\"method\":1}", "\"method\"", 3},
        {"{\"id\":3,\"method\":\"\"}", "\"method\"", 3},
        {"{\"id\":3,\"method\":\"a b\"}", "\"method\"", 3},
        {"{\"id\":3,\"method\":\"list\",\"params\":[]}", "\"params\"", 3},
        {"{\"id\":3,\"method\":\"list\",\"x\":1}", "no member \"x\"", 3},
        {"{\"id\":3,\"id\":4,\"method\":\"list\"}", "not JSON", 0},
        {"{\"id\":3,\"method\":\"list\"} {}", "not JSON", 0},
        {"{\"id\":99999999999999999999,\"method\":\"list\"}", "not JSON", 0},
    };
    struct rpc_request req;
    struct fault f;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(parse(cases[i].line, &req, &f) < 0);
        assert_non_null(strstr(f.text, cases[i].reason));
        assert_string_equal(f.code, FAULT_REQUEST);
        assert_int_equal(req.id, cases[i].id);
        assert_null(req.root);
    }
}

static void test_long_line_is_refused(void **state)
{
    char *line = calloc(1, RPC_LINE_MAX + 2);
    struct rpc_request req;
    struct fault f = {0};

    (void)state;
    memset(line, ' ', RPC_LINE_MAX + 1);
    assert_int_equal(rpc_parse(line, RPC_LINE_MAX + 1, &req, &f), -EMSGSIZE);
    free(line);
}

static const struct rpc_param table[] = {
    {"guest", RPC_STRING, true, 1, 4},
    {"n", RPC_INT, false, 0, 10},
    {"wait", RPC_BOOL, false, 0, 0},
    {NULL, RPC_END, false, 0, 0},
};

static int check(const char *params, struct fault *f)
{
    json_t *o = json_loads(params, 0, NULL);
    int rc;

    *f = (struct fault){0};
    rc = rpc_check(o, table, f);
    json_decref(o);
    return rc;
}

static void test_parameters_are_checked(void **state)
{
    struct fault f;

    (void)state;
    assert_int_equal(check("{\"guest\":\"g\",\"n\":10,\"wait\":true}", &f), 0);
    assert_int_equal(check("{}", &f), -EINVAL);
    assert_non_null(strstr(f.text, "\"guest\" is missing"));
    assert_int_equal(check("{\"guest\":\"\"}", &f), -EINVAL);
    assert_int_equal(check("{\"guest\":\"abcde\"}", &f), -EINVAL);
    assert_int_equal(check("{\"guest\":5}", &f), -EINVAL);
    assert_int_equal(check("{\"guest\":\"g\",\"n\":11}", &f), -EINVAL);
    assert_int_equal(check("{\"guest\":\"g\",\"n\":-1}", &f), -EINVAL);
    assert_int_equal(check("{\"guest\":\"g\",\"wait\":1}", &f), -EINVAL);
    assert_int_equal(check("{\"guest\":\"g\",\"more\":1}", &f), -EINVAL);
    assert_non_null(strstr(f.text, "\"more\""));
}

static void test_answers_are_one_line(void **state)
{
    struct fault f = {"busy", "a \"quoted\"\nsecond line"};
    char *line;

    (void)state;
    line = rpc_error(5, &f);
    assert_non_null(strstr(line, "\"id\":5"));
    assert_non_null(strstr(line, "\"code\":\"busy\""));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    free(line);
    line = rpc_result(6, NULL);
    assert_string_equal(line, "{\"id\":6,\"result\":{}}\n");
    free(line);
    line = rpc_progress(7, "half");
    assert_string_equal(line, "{\"id\":7,\"progress\":\"half\"}\n");
    free(line);
}

static void test_bytes_that_are_no_utf8_cost_no_answer(void **state)
{
    struct fault f = {"failed", "disk \xff\xfe is strange"};
    char *line = rpc_error(1, &f);

    (void)state;
    assert_non_null(line);
    assert_non_null(strstr(line, "disk ?? is strange"));
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_is_read),
        cmocka_unit_test(test_params_may_be_absent),
        cmocka_unit_test(test_what_is_no_request_is_refused),
        cmocka_unit_test(test_long_line_is_refused),
        cmocka_unit_test(test_parameters_are_checked),
        cmocka_unit_test(test_answers_are_one_line),
        cmocka_unit_test(test_bytes_that_are_no_utf8_cost_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
