#include "dom0/daemon/rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A method's name is echoed in errors and logs: keep it to what names are. */
static bool is_method_name(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n > 0 && n <= 32 && !s[n];
}

static int read_fields(struct rpc_request *req, struct fault *f)
{
    json_t *v;
    const char *key;

    if (!json_is_object(req->root))
        return fault_set(f, -EINVAL, FAULT_REQUEST,
                         "a request is a JSON object");
    v = json_object_get(req->root, "id");
    if (!json_is_integer(v))
        return fault_set(f, -EINVAL, FAULT_REQUEST,
                         "a request has a whole number called \"id\"");
    req->id = json_integer_value(v);

    json_object_foreach(req->root, key, v)
    {
        if (strcmp(key, "id") && strcmp(key, "method") && strcmp(key, "params"))
            return fault_set(f, -EINVAL, FAULT_REQUEST,
                             "a request has no member \"%.40s\"", key);
    }

    req->method = json_string_value(json_object_get(req->root, "method"));
    if (!req->method || !is_method_name(req->method))
        return fault_set(f, -EINVAL, FAULT_REQUEST,
                         "a request has a string called \"method\" that "
                         "names one");

    v = json_object_get(req->root, "params");
    if (!v) {
        v = json_object();
        if (!v || json_object_set_new(req->root, "params", v))
            return fault_set(f, -ENOMEM, FAULT_FAILED, "out of memory");
    }
    if (!json_is_object(v))
        return fault_set(f, -EINVAL, FAULT_REQUEST,
                         "\"params\" is a JSON object");
    req->params = v;
    return 0;
}

int rpc_parse(const char *line, size_t len, struct rpc_request *req,
              struct fault *f)
{
    json_error_t error;
    int rc;

    *req = (struct rpc_request){0};
    if (len > RPC_LINE_MAX)
        return fault_set(f, -EMSGSIZE, FAULT_REQUEST,
                         "the request is longer than %u bytes", RPC_LINE_MAX);
    req->root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
    if (!req->root)
        return fault_set(f, -EINVAL, FAULT_REQUEST, "not JSON: %s (column %d)",
                         error.text, error.column);
    rc = read_fields(req, f);
    if (rc) {
        json_decref(req->root);
        req->root = NULL;
    }
    return rc;
}

void rpc_release(struct rpc_request *req)
{
    json_decref(req->root);
    *req = (struct rpc_request){0};
}

static const struct rpc_param *find_param(const struct rpc_param *table,
                                          const char *name)
{
    for (; table->type != RPC_END; table++)
        if (!strcmp(table->name, name))
            return table;
    return NULL;
}

static int check_value(const struct rpc_param *p, const json_t *v,
                       struct fault *f)
{
    json_int_t n;

    switch (p->type) {
    case RPC_STRING:
        if (!json_is_string(v))
            return fault_set(f, -EINVAL, FAULT_PARAMS, "\"%s\" is a string",
                             p->name);
        n = (json_int_t)json_string_length(v);
        if (n < p->min || n > p->max)
            return fault_set(f, -EINVAL, FAULT_PARAMS,
                             "\"%s\" has %lld bytes; %lld to %lld are allowed",
                             p->name, n, p->min, p->max);
        return 0;
    case RPC_INT:
        if (!json_is_integer(v))
            return fault_set(f, -EINVAL, FAULT_PARAMS,
                             "\"%s\" is a whole number", p->name);
        n = json_integer_value(v);
        if (n < p->min || n > p->max)
            return fault_set(f, -EINVAL, FAULT_PARAMS,
                             "\"%s\" is %lld; %lld to %lld are allowed",
                             p->name, n, p->min, p->max);
        return 0;
    default:
        if (!json_is_boolean(v))
            return fault_set(f, -EINVAL, FAULT_PARAMS,
                             "\"%s\" is true or false", p->name);
        return 0;
    }
}

int rpc_check(const json_t *params, const struct rpc_param *table,
              struct fault *f)
{
    const struct rpc_param *p;
    const char *key;
    json_t *v;
    int rc;

    json_object_foreach((json_t *)params, key, v)
    {
        p = find_param(table, key);
        if (!p)
            return fault_set(f, -EINVAL, FAULT_PARAMS,
                             "there is no parameter \"%.40s\"", key);
        rc = check_value(p, v, f);
        if (rc)
            return rc;
    }
    for (p = table; p->type != RPC_END; p++)
        if (p->required && !json_object_get(params, p->name))
            return fault_set(f, -EINVAL, FAULT_PARAMS,
                             "the parameter \"%s\" is missing", p->name);
    return 0;
}

const char *rpc_string(const json_t *params, const char *name)
{
    return json_string_value(json_object_get(params, name));
}

json_int_t rpc_int(const json_t *params, const char *name, json_int_t absent)
{
    const json_t *v = json_object_get(params, name);

    return v ? json_integer_value(v) : absent;
}

bool rpc_bool(const json_t *params, const char *name)
{
    return json_is_true(json_object_get(params, name));
}

/* The line for `o`, which is given up. */
static char *line_of(json_t *o)
{
    char *text, *line = NULL;
    size_t n;

    text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!text)
        return NULL;
    n = strlen(text);
    line = realloc(text, n + 2);
    if (!line) {
        free(text);
        return NULL;
    }
    memcpy(line + n, "\n", 2);
    return line;
}

char *rpc_result(json_int_t id, json_t *result)
{
    if (!result)
        result = json_object();
    return line_of(json_pack("{s:I,s:o}", "id", id, "result", result));
}

/* What we say comes from files and peers too: never let a stray byte that is
 * no UTF-8 cost the whole answer. */
static json_t *text_value(const char *text)
{
    json_t *v = json_string(text);
    char *copy, *p;

    if (v)
        return v;
    copy = strdup(text);
    for (p = copy; p && *p; p++)
        if (*p & 0x80)
            *p = '?';
    v = json_string(copy ? copy : "out of memory");
    free(copy);
    return v;
}

char *rpc_error(json_int_t id, const struct fault *f)
{
    return line_of(json_pack("{s:I,s:{s:s,s:o}}", "id", id, "error", "code",
                             fault_is_set(f) ? f->code : FAULT_FAILED,
                             "message",
                             text_value(f->text[0] ? f->text : "it failed")));
}

char *rpc_progress(json_int_t id, const char *text)
{
    return line_of(
        json_pack("{s:I,s:o}", "id", id, "progress", text_value(text)));
}
