#include "tests/unit/dom0/fake-backends.h"
#include "tests/unit/xs-fake.h"

#include <stdio.h>
#include <string.h>

static void answer(const char *dir, const char *why)
{
    char path[200];
    const char *state;

    snprintf(path, sizeof(path), "%s/hotplug-status", dir);
    if (!xs_fake_get(path))
        xs_fake_put(path, why ? "error" : "connected");
    if (why) {
        snprintf(path, sizeof(path), "%s/hotplug-error", dir);
        xs_fake_put(path, why);
    }
    snprintf(path, sizeof(path), "%s/state", dir);
    state = xs_fake_get(path);
    if (state && !strcmp(state, "5"))
        xs_fake_put(path, "6");
}

void fake_backends_run(const char *why)
{
    unsigned domid, devid;
    const char *node;
    char class[16], dir[120];

    for (unsigned i = 0; (node = xs_fake_node(i)); i++) {
        int end = 0;

        if (sscanf(node, "/local/domain/0/backend/%15[a-z]/%u/%u/frontend%n",
                   class, &domid, &devid, &end) != 3 ||
            !end || node[end] || !strcmp(class, "console"))
            continue;
        snprintf(dir, sizeof(dir), "/local/domain/0/backend/%s/%u/%u", class,
                 domid, devid);
        answer(dir, why);
    }
}
