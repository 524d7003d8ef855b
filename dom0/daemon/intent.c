#include "dom0/daemon/intent.h"
#include "dom0/daemon/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const op_names[] = {
    [INTENT_CREATE] = "create",
    [INTENT_DESTROY] = "destroy",
    [INTENT_RESTART] = "restart",
    [INTENT_DEVICE] = "device",
};

static int write_intent(struct daemon *d, const struct guest *g,
                        enum intent_op op, const char *kind, uint32_t devid)
{
    char dir[256], uuid[37];

    domconfig_uuid_print(g->uuid, uuid);
    return record_write(daemon_path(d, "ops", dir, sizeof(dir)), uuid,
                        json_pack("{s:s,s:s,s:s,s:s,s:I}", "op", op_names[op],
                                  "name", g->name, "uuid", uuid, "kind", kind,
                                  "devid", (json_int_t)devid));
}

int intent_begin(struct daemon *d, const struct guest *g, enum intent_op op)
{
    return write_intent(d, g, op, "", 0);
}

int intent_begin_device(struct daemon *d, const struct guest *g, bool vbd,
                        uint32_t devid)
{
    return write_intent(d, g, INTENT_DEVICE, vbd ? "vbd" : "vif", devid);
}

void intent_end(struct daemon *d, const struct guest *g)
{
    char dir[256], uuid[37];

    domconfig_uuid_print(g->uuid, uuid);
    record_remove(daemon_path(d, "ops", dir, sizeof(dir)), uuid);
}

int intent_read(struct intent *i, const json_t *o)
{
    const char *op, *name, *uuid, *kind;
    json_int_t devid;
    size_t n;

    *i = (struct intent){0};
    if (json_unpack((json_t *)o, "{s:s,s:s,s:s,s:s,s:I}", "op", &op, "name",
                    &name, "uuid", &uuid, "kind", &kind, "devid", &devid) ||
        domconfig_uuid_parse(uuid, i->uuid))
        return -EINVAL;
    snprintf(i->name, sizeof(i->name), "%s", name);
    i->vbd = !strcmp(kind, "vbd");
    i->devid = (uint32_t)devid;
    for (n = 0; n < sizeof(op_names) / sizeof(op_names[0]); n++) {
        if (!strcmp(op, op_names[n])) {
            i->op = (enum intent_op)n;
            return 0;
        }
    }
    return -EINVAL;
}
