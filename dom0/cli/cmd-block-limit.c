#include "dom0/cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number, with K, M or G behind it where `units`; what follows in `end`. */
static long long amount(const char *text, bool units, char **end)
{
    long long n, unit = 1;

    *end = (char *)text;
    if (!isdigit((unsigned char)*text))
        return -1;
    errno = 0;
    n = strtoll(text, end, 10);
    for (const char *u = "kmg"; units && *u; u++) {
        unit *= 1024;
        if (tolower((unsigned char)**end) != *u)
            continue;
        ++*end;
        return errno || n > (1LL << 40) / unit ? -1 : n * unit;
    }
    return errno || n > 1LL << 40 ? -1 : n;
}

/* "RATE[,BURST]" as two members of `params`; false for anything else. */
static bool take(json_t *params, const char *name, const char *text, bool units)
{
    char burst_name[32], *end;
    long long rate = amount(text, units, &end), burst = 0;

    if (rate >= 0 && *end == ',')
        burst = amount(end + 1, units, &end);
    if (rate < 0 || burst < 0 || *end) {
        say_error("\"%s\" is no limit; 100 or 100,500 is", text);
        return false;
    }
    snprintf(burst_name, sizeof(burst_name), "%s_burst", name);
    json_object_set_new(params, name, json_integer(rate));
    json_object_set_new(params, burst_name, json_integer(burst));
    return true;
}

int cmd_block_limit(int argc, char **argv)
{
    const char *bytes = NULL, *requests = NULL, *args[2];
    const struct opt opts[] = {
        {"bytes", 'b', NULL, &bytes}, {"requests", 'r', NULL, &requests}, {0}};
    json_t *params;

    if (options_take(opts, argc, argv, args, 2, 2) < 0)
        return EXIT_USAGE;
    if (!bytes && !requests) {
        say_error("say --bytes, --requests or both");
        return EXIT_USAGE;
    }
    params = json_pack("{s:s,s:s}", "guest", args[0], "device", args[1]);
    if ((bytes && !take(params, "bytes", bytes, true)) ||
        (requests && !take(params, "requests", requests, false))) {
        json_decref(params);
        return EXIT_USAGE;
    }
    return client_call("block-limit", params, NULL);
}
