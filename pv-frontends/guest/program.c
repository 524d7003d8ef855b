#include "pv-frontends/guest/program.h"

#include "pv-frontends/core/netfront.h"
#include "pv-frontends/core/store.h"
#include "pv-frontends/core/xenbus.h"

#define NUMBER(key, least, most)                                               \
    {                                                                          \
        key, OPTION_NUMBER, least, most, NULL                                  \
    }
#define ADDRESS(key)                                                           \
    {                                                                          \
        key, OPTION_ADDRESS, 0, 0, NULL                                        \
    }
#define WORD(key, words)                                                       \
    {                                                                          \
        key, OPTION_WORD, 0, 0, words                                          \
    }
#define OPTIONS(...)                                                           \
    (const struct option[])                                                    \
    {                                                                          \
        __VA_ARGS__,                                                           \
        {                                                                      \
        }                                                                      \
    }

#define DISK_OPTIONS NUMBER("persistent", 0, 1), NUMBER("order", 0, 2)
#define TCP_OPTIONS                                                            \
    ADDRESS("ip"), ADDRESS("mask"), ADDRESS("gw"), NUMBER("buffers", 1, 256),  \
        NUMBER("checksums", 0, 1), NUMBER("segments", 0, 1)

static const struct program programs[] = {
    {"hello", "say so and power off", NULL, run_hello},
    {"console", "send back what is typed, a line `end` ends it", NULL,
     run_console},
    {"blk-verify", "write, read back and compare",
     OPTIONS(NUMBER("mib", 1, 1 << 20), NUMBER("rounds", 0, 1000000),
             NUMBER("discard", 0, 1), DISK_OPTIONS),
     run_blk_verify},
    {"blk-bench", "reads and writes per second",
     OPTIONS(NUMBER("ms", 1, 3600000), DISK_OPTIONS), run_blk_bench},
    {"net-echo", "answer ARP, ping and UDP port 7",
     OPTIONS(ADDRESS("ip"), NUMBER("queues", 1, NET_MAX_QUEUES),
             NUMBER("buffers", 1, NET_SLOTS), NUMBER("secs", 0, 1000000)),
     run_net_echo},
    {"tcp-echo", "the same and TCP: echo, discard, source",
     OPTIONS(NUMBER("port", 1, 65535), NUMBER("discard", 1, 65535),
             NUMBER("source", 1, 65535), NUMBER("secs", 0, 1000000),
             TCP_OPTIONS),
     run_tcp_echo},
    {"tcp-bench", "TCP streams to=ADDRESS, per second",
     OPTIONS(ADDRESS("to"), NUMBER("port", 1, 65535),
             WORD("do", "send,receive,rtt"), NUMBER("streams", 1, 16),
             NUMBER("secs", 1, 3600), TCP_OPTIONS),
     run_tcp_bench},
    {"bench", "cycles of the hypervisor's paths", NULL, run_bench},
    {"smp", "run all vCPUs", NULL, run_smp},
    {"balloon", "follow memory/target", NULL, run_balloon},
    {"fault", "end in a bad way: how=...",
     OPTIONS(WORD("how", "ud,page,spin,sleep,crash,triple")), run_fault},
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
    print("The programs are\n");
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
        print("  %12s %s\n", programs[i].name, programs[i].what);
    print("TINY failed: the command line names no program\n");
}

/*
 * The first word that names one: toolstacks put words of their own before it.
 * `next` is the place behind it.
 */
static const struct program *program_chosen(unsigned int *next)
{
    const struct program *p = NULL;
    char word[24];

    for (*next = 0; !p && option_word(*next, word, sizeof(word)); ++*next)
        p = program_find(word);
    return p;
}

void program_run(void)
{
    unsigned int options;
    const struct program *p = program_chosen(&options);

    if (!p)
        usage();
    else if (options_check(p->options, options) || p->run())
        print("TINY %s failed: %s\n", p->name, why);
}
