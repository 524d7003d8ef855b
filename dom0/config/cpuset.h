/* Sets of physical CPUs as written in `cpus`: "0-3,^2", "all", "nodes:0". */
#ifndef DOM0_CONFIG_CPUSET_H
#define DOM0_CONFIG_CPUSET_H

#include <stdbool.h>
#include <stdint.h>

#define CPUSET_MAX 1024

struct cpuset {
    bool all; /* every CPU the machine has; `bits` says nothing then */
    uint8_t bits[CPUSET_MAX / 8];
};

static inline bool cpuset_has(const struct cpuset *s, unsigned cpu)
{
    return s->all || (cpu < CPUSET_MAX && s->bits[cpu / 8] & (1u << (cpu % 8)));
}

/* NULL, or what is wrong with the text (a whole sentence's end). */
const char *cpuset_parse(struct cpuset *s, const char *text);

#endif
