#include "pv-frontends/guest/program.h"

#include "pv-frontends/core/store.h"
#include "pv-frontends/core/xenbus.h"

static const struct program programs[] = {
    {"hello", "say so and power off", run_hello},
    {"console", "send back what is typed, a line `end` ends it", run_console},
    {"blk-verify", "write, read back and compare", run_blk_verify},
    {"blk-bench", "reads and writes per second", run_blk_bench},
    {"net-echo", "answer ARP, ping and UDP port 7", run_net_echo},
    {"bench", "cycles of the hypervisor's paths", run_bench},
    {"smp", "run all vCPUs", run_smp},
    {"balloon", "follow memory/target", run_balloon},
    {"fault", "end in a bad way: how=...", run_fault},
};

static char why[160];

int program_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)format_args(why, sizeof(why), fmt, ap);
    va_end(ap);
    return -1;
}

int program_store(void)
{
    int rc = store_init();

    store_timeout(30000000000);
    return rc ? program_fail("no store, error %d", rc) : 0;
}

int program_device(const char *type, unsigned int *devid)
{
    int nr = xenbus_devices(type, devid, 1);

    if (nr < 0)
        return program_fail("looking for a %s: error %d", type, nr);
    return nr ? 0 : program_fail("no device of class %s", type);
}

static const struct program *program_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
        if (!strcmp(programs[i].name, name))
            return &programs[i];
    return NULL;
}

static void usage(void)
{
    print("TINY failed: the command line names no program; there are\n");
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
        print("  %12s %s\n", programs[i].name, programs[i].what);
}

/* The first word that names one: toolstacks put words of their own there. */
static const struct program *program_chosen(void)
{
    const struct program *p = NULL;
    char word[24];

    for (unsigned int i = 0; !p && option_word(i, word, sizeof(word)); i++)
        p = program_find(word);
    return p;
}

void program_run(void)
{
    const struct program *p = program_chosen();

    if (!p)
        usage();
    else if (p->run())
        print("TINY %s failed: %s\n", p->name, why);
}
