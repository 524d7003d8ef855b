/*
 * The control protocol's text: one JSON object per line. A request is
 * {"id":n,"method":"m","params":{...}}; answers are {"id":n,"result":...},
 * {"id":n,"error":{"code":...,"message":...}} and, before either,
 * {"id":n,"progress":"text"}. Nothing here knows sockets.
 */
#ifndef DAEMON_RPC_H
#define DAEMON_RPC_H

#include "dom0/daemon/fault.h"

#include <jansson.h>
#include <stddef.h>

/* No line in either direction is longer; a configuration fits many times. */
#define RPC_LINE_MAX (1u << 20)

/* `method` and `params` live as long as `root`. */
struct rpc_request {
    json_int_t id;
    const char *method;
    json_t *params; /* an object, never NULL */
    json_t *root;
};

enum rpc_type { RPC_END, RPC_STRING, RPC_INT, RPC_BOOL };

/* One parameter of a method. `min` and `max` bound a number, or the bytes of a
 * string. A row of type RPC_END ends the table. */
struct rpc_param {
    const char *name;
    enum rpc_type type;
    bool required;
    json_int_t min, max;
};

/*
 * Read one line (no newline in it). On success the caller owns `req` and
 * releases it. On failure `f` says what is wrong and `req->id` is the id to
 * answer to, 0 where none could be read.
 */
int rpc_parse(const char *line, size_t len, struct rpc_request *req,
              struct fault *f);
void rpc_release(struct rpc_request *req);

/* Do the parameters fit the table? Unknown ones are refused by name. */
int rpc_check(const json_t *params, const struct rpc_param *table,
              struct fault *f);

/* Values of checked parameters. */
const char *rpc_string(const json_t *params, const char *name);
json_int_t rpc_int(const json_t *params, const char *name, json_int_t absent);
bool rpc_bool(const json_t *params, const char *name);

/* Lines to send, newline included, malloc'd; NULL when memory is out.
 * rpc_result() takes over the caller's reference to `result`. */
char *rpc_result(json_int_t id, json_t *result);
char *rpc_error(json_int_t id, const struct fault *f);
char *rpc_progress(json_int_t id, const char *text);

#endif
