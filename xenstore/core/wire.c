#include "xenstore/core/wire.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

size_t wire_count(const char *payload, size_t len)
{
    size_t nr = 0, i;

    if (!len || payload[len - 1] != '\0')
        return 0;
    for (i = 0; i < len; i++)
        nr += payload[i] == '\0';
    return nr;
}

bool wire_strings(const char *payload, size_t len, const char **out, size_t nr)
{
    size_t i;

    if (nr == 1 ? !len || memchr(payload, '\0', len) != payload + len - 1
                : wire_count(payload, len) != nr)
        return false;
    for (i = 0; i < nr; i++) {
        out[i] = payload;
        payload += strlen(payload) + 1;
    }
    return true;
}

bool wire_number(const char *text, unsigned long max, unsigned long *out)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *out = strtoul(text, &end, 10);
    return !errno && !*end && *out <= max;
}

const char *wire_error(int err)
{
    size_t i;

    for (i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
        if (xsd_errors[i].errnum == err)
            return xsd_errors[i].errstring;
    return "EINVAL";
}

static const char *const type_names[XS_TYPE_COUNT] = {
    [XS_CONTROL] = "CONTROL",
    [XS_DIRECTORY] = "DIRECTORY",
    [XS_READ] = "READ",
    [XS_GET_PERMS] = "GET_PERMS",
    [XS_WATCH] = "WATCH",
    [XS_UNWATCH] = "UNWATCH",
    [XS_TRANSACTION_START] = "TRANSACTION_START",
    [XS_TRANSACTION_END] = "TRANSACTION_END",
    [XS_INTRODUCE] = "INTRODUCE",
    [XS_RELEASE] = "RELEASE",
    [XS_GET_DOMAIN_PATH] = "GET_DOMAIN_PATH",
    [XS_WRITE] = "WRITE",
    [XS_MKDIR] = "MKDIR",
    [XS_RM] = "RM",
    [XS_SET_PERMS] = "SET_PERMS",
    [XS_WATCH_EVENT] = "WATCH_EVENT",
    [XS_ERROR] = "ERROR",
    [XS_IS_DOMAIN_INTRODUCED] = "IS_DOMAIN_INTRODUCED",
    [XS_RESUME] = "RESUME",
    [XS_SET_TARGET] = "SET_TARGET",
    [XS_RESET_WATCHES] = "RESET_WATCHES",
    [XS_DIRECTORY_PART] = "DIRECTORY_PART",
};

const char *wire_type_name(unsigned int type)
{
    if (type < XS_TYPE_COUNT && type_names[type])
        return type_names[type];
    return "?";
}
