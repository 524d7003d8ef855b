#include "pv-backends/runtime/option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int option_number(const char *option, const char *text, unsigned int min,
                  unsigned int max, unsigned int *nr)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || v < min || v > max) {
        fprintf(stderr, "--%s takes %u to %u\n", option, min, max);
        return -EINVAL;
    }
    *nr = (unsigned int)v;
    return 0;
}
