/*
 * The control socket's lines. What is taken for a request has the fields the
 * rest relies on, and every parameter table can be held against it.
 *
 * sources: dom0/daemon/rpc.c dom0/daemon/fault.c
 * libs: -ljansson
 */
#include "dom0/daemon/rpc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct rpc_param table[] = {
    {"guest", RPC_STRING, true, 1, 256},
    {"kib", RPC_INT, false, 1024, 1LL << 40},
    {"force", RPC_BOOL, false, 0, 0},
    {NULL, RPC_END, false, 0, 0},
};

static void answer(json_int_t id, const struct fault *f)
{
    char *line = rpc_error(id, f);

    if (!line || strchr(line, '\n') != line + strlen(line) - 1)
        abort();
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rpc_request req;
    struct fault f = {0};

    if (rpc_parse((const char *)data, size, &req, &f)) {
        answer(req.id, &f);
        return 0;
    }
    if (!req.method || !json_is_object(req.params))
        abort();
    if (rpc_check(req.params, table, &f)) {
        answer(req.id, &f);
    } else {
        const char *guest = rpc_string(req.params, "guest");

        if (!guest || !*guest || strlen(guest) > 256 ||
            rpc_int(req.params, "kib", 1024) < 1024)
            abort();
    }
    rpc_release(&req);
    return 0;
}
