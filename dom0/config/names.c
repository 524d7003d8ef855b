/* How things are written: actions, types, UUIDs, guests' names. */
#include "dom0/config/domconfig.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const action_names[] = {
    [ACTION_DESTROY] = "destroy",
    [ACTION_RESTART] = "restart",
    [ACTION_RENAME_RESTART] = "rename-restart",
    [ACTION_PRESERVE] = "preserve",
    [ACTION_COREDUMP_DESTROY] = "coredump-destroy",
    [ACTION_COREDUMP_RESTART] = "coredump-restart",
    [ACTION_SOFT_RESET] = "soft-reset",
};
static_assert(sizeof(action_names) / sizeof(*action_names) ==
                  DOMCONFIG_NR_ACTIONS,
              "a name for each");

const char *domconfig_action_name(enum domconfig_action a)
{
    return a < DOMCONFIG_NR_ACTIONS ? action_names[a] : "?";
}

const char *domconfig_type_name(enum domconfig_type t)
{
    static const char *const names[] = {"pv", "pvh", "hvm"};

    return t <= GUEST_HVM ? names[t] : "?";
}

void domconfig_uuid_print(const uint8_t uuid[16], char *text)
{
    for (int i = 0; i < 16; i++)
        text += sprintf(
            text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
            uuid[i]);
}

int domconfig_uuid_parse(const char *text, uint8_t uuid[16])
{
    for (int i = 0; i < 16; i++) {
        char byte[3] = {0};

        if (*text == '-' && i)
            text++;
        if (!isxdigit((unsigned char)text[0]) ||
            !isxdigit((unsigned char)text[1]))
            return -EINVAL;
        byte[0] = *text++;
        byte[1] = *text++;
        uuid[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    return *text ? -EINVAL : 0;
}

const char *domconfig_name_problem(const char *name)
{
    bool digits = true;

    if (!*name)
        return "a guest's name cannot be empty";
    if (strlen(name) > 127)
        return "a guest's name can have up to 127 characters";
    for (const char *p = name; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (c < 0x20 || c == 0x7f || c == '/')
            return "a guest's name cannot hold `/' or control characters";
        digits &= isdigit(c) != 0;
    }
    if (digits)
        return "a guest's name cannot be a number: it would be taken for an id";
    if (!strcmp(name, "Domain-0"))
        return "Domain-0 is the host's own name";
    return NULL;
}
