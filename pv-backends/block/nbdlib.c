#include "pv-backends/block/nbdlib.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define NBDLIB_ROW(name) {"nbd_" #name, offsetof(struct nbdlib, name)},
static const struct {
    const char *name;
    size_t offset;
} calls[] = {NBDLIB_CALLS(NBDLIB_ROW)};

static int find_calls(void *so, struct nbdlib *lib, struct backend_why *why)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        void *call = dlsym(so, calls[i].name);

        if (!call)
            return backend_fail(why, -ENOSYS, "libnbd has no %s",
                                calls[i].name);
        memcpy((char *)lib + calls[i].offset, &call, sizeof(call));
    }
    return 0;
}

const struct nbdlib *nbdlib_get(struct backend_why *why)
{
    static struct nbdlib lib;
    static void *so;

    if (so)
        return &lib;
    so = dlopen("libnbd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        backend_fail(why, -ENOSYS,
                     "this disk needs libnbd: install libnbd0 (%.120s)",
                     dlerror());
        return NULL;
    }
    if (!find_calls(so, &lib, why))
        return &lib;
    dlclose(so);
    so = NULL;
    return NULL;
}
