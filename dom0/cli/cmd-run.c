/* One kernel, one console, one exit code. */
#include "dom0/cli/cli.h"

#include "dom0/cli/cpio.h"
#include "dom0/cli/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMAND_WORDS = 200, COMMAND_BYTES = 65536, MEMORY_KIB = 256 * 1024 };

extern const char run_init_begin[], run_init_end[];

struct run_options {
    const char *kernel, *initrd, *root, *append, *memory, *smp, *name, *gdb;
    const char **command;
    int nr_command;
    bool quiet, keep;
};

/* --- the ramdisk -----------------------------------------------------------*/

static int copy_in(FILE *out, const char *path)
{
    FILE *in = fopen(path, "re");
    char bytes[65536];
    size_t n;
    int rc = 0;

    if (!in) {
        say_error("%s: %s", path, strerror(errno));
        return -1;
    }
    while (!rc && (n = fread(bytes, 1, sizeof(bytes), in)))
        rc = fwrite(bytes, n, 1, out) != 1;
    if (rc || ferror(in)) {
        say_error("%s: %s", path, strerror(errno));
        rc = -1;
    }
    fclose(in);
    /* What follows begins at a multiple of four. */
    while (!rc && ftell(out) % 4)
        rc = putc(0, out) < 0 ? -1 : 0;
    return rc;
}

/* Our first process and what it is to run, over whatever is there. */
static int add_init(struct cpio *c, const struct run_options *o)
{
    char words[COMMAND_BYTES];
    size_t len = 0;

    for (int i = 0; i < o->nr_command; i++) {
        size_t n = strlen(o->command[i]) + 1;

        if (len + n >= sizeof(words)) {
            say_error("the command is too long");
            return -1;
        }
        memcpy(words + len, o->command[i], n);
        len += n;
    }
    if (cpio_add(c, ".pvn", S_IFDIR | 0755, NULL, 0) ||
        cpio_add(c, ".pvn/cmd", S_IFREG | 0644, words, len) ||
        cpio_add(c, ".pvn/init", S_IFREG | 0755, run_init_begin,
                 (size_t)(run_init_end - run_init_begin)) ||
        cpio_end(c)) {
        say_error("%s", c->why);
        return -1;
    }
    return 0;
}

static int fill_ramdisk(FILE *out, const struct run_options *o)
{
    struct cpio c;

    if (o->initrd && copy_in(out, o->initrd))
        return -1;
    cpio_begin(&c, out);
    if (o->root && cpio_add_tree(&c, o->root)) {
        say_error("%s", c.why);
        return -1;
    }
    return add_init(&c, o);
}

/*
 * Made in memory; pvnd reads it through our /proc entry, so that nothing is
 * left when we end, however we do. Returns the stream, NULL after an error.
 */
static FILE *make_ramdisk(const struct run_options *o)
{
    int fd = memfd_create("pvn-run", MFD_CLOEXEC);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w+");

    if (!out) {
        say_error("no memory for a ramdisk: %s", strerror(errno));
        return NULL;
    }
    if (fill_ramdisk(out, o)) {
        fclose(out);
        return NULL;
    }
    return out;
}

/* --- the configuration -----------------------------------------------------*/

/* A value in quotes that it does not hold itself. */
static int put_text(FILE *f, const char *key, const char *value)
{
    char quote = strchr(value, '"') ? '\'' : '"';

    if (strchr(value, quote) || strpbrk(value, "\n\r\\")) {
        say_error("%s: no way to quote \"%s\"", key, value);
        return -1;
    }
    fprintf(f, "%s = %c%s%c\n", key, quote, value, quote);
    return 0;
}

/* A path as pvnd finds it, whose working directory is another. */
static int put_path(FILE *f, const char *key, const char *path)
{
    char *full = realpath(path, NULL);
    int rc;

    if (!full) {
        say_error("%s: %s", path, strerror(errno));
        return -1;
    }
    rc = put_text(f, key, full);
    free(full);
    return rc;
}

/* The kernel holds the ramdisk packed and unpacked for a moment. */
static long long memory_kib(const struct run_options *o, FILE *ramdisk)
{
    long long kib = MEMORY_KIB;
    struct stat st;

    if (o->memory)
        return parse_size_kib(o->memory);
    if (ramdisk && !fstat(fileno(ramdisk), &st))
        kib += st.st_size / 1024 * 2;
    else if (o->initrd && !stat(o->initrd, &st))
        kib += st.st_size / 1024 * 5;
    return kib;
}

static int put_cmdline(FILE *f, const struct run_options *o, bool init)
{
    char *text = NULL;
    int rc;

    if (asprintf(&text, "console=hvc0 xen_legacy_crash%s%s%s%s",
                 init ? " rdinit=/.pvn/init" : "",
                 o->quiet ? " quiet loglevel=3" : "", o->append ? " " : "",
                 o->append ? o->append : "") < 0)
        return -1;
    rc = put_text(f, "extra", text);
    free(text);
    return rc;
}

static int put_ramdisk(FILE *f, const struct run_options *o, FILE *ramdisk)
{
    char path[64];

    if (!ramdisk)
        return o->initrd ? put_path(f, "ramdisk", o->initrd) : 0;
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fileno(ramdisk));
    return put_text(f, "ramdisk", path);
}

static int put_config(FILE *f, const struct run_options *o, FILE *ramdisk)
{
    long long kib = memory_kib(o, ramdisk);
    long smp = o->smp ? parse_number(o->smp, 1, 128) : 1;

    if (kib <= 0 || smp < 0) {
        say_error("%s: no %s", kib <= 0 ? o->memory : o->smp,
                  kib <= 0 ? "size" : "number of vcpus");
        return -1;
    }
    if (put_text(f, "name", o->name) || put_path(f, "kernel", o->kernel) ||
        put_ramdisk(f, o, ramdisk) || put_cmdline(f, o, ramdisk != NULL))
        return -1;
    fprintf(f,
            "type = \"pv\"\nmemory = %lld\nvcpus = %ld\n"
            "on_poweroff = \"destroy\"\non_reboot = \"destroy\"\n"
            "on_crash = \"preserve\"\n",
            (kib + 1023) / 1024, smp);
    return 0;
}

static char *make_config(const struct run_options *o, FILE *ramdisk)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    int rc;

    if (!f)
        return NULL;
    rc = put_config(f, o, ramdisk);
    if (fclose(f) || rc) {
        free(text);
        return NULL;
    }
    return text;
}

/* --- the run ---------------------------------------------------------------*/

static int start(const struct run_options *o, const char *config, int *console)
{
    int status = client_call("create",
                             json_pack("{s:s,s:s,s:b}", "config", config,
                                       "source", "pvn run", "paused", true),
                             NULL);

    if (status)
        return status;
    /* From its first line on. */
    status = console_open(o->name, console);
    if (!status && !o->gdb) /* else gdb lets it go */
        status = client_guest_call("unpause", o->name);
    if (status)
        (void)client_guest_call("destroy", o->name);
    return status;
}

/* gdb's side is a process of its own, which ends with us. 0: there is none. */
static pid_t start_gdb(const struct run_options *o)
{
    pid_t pid = o->gdb ? fork() : 0;

    if (!o->gdb || pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    _exit(gdb_serve(o->name, o->gdb));
}

/* gdb looks for as long as it likes at what crashed; then it goes, or stays. */
static void after_crash(const struct run_options *o, pid_t gdb)
{
    if (gdb > 0) {
        kill(gdb, SIGUSR1);
        waitpid(gdb, NULL, 0);
    }
    if (o->keep)
        say_error("%s is kept: pvn stack %s, pvn gdb %s, pvn destroy %s",
                  o->name, o->name, o->name, o->name);
    else
        (void)client_guest_call("destroy", o->name);
}

static int run(const struct run_options *o)
{
    bool crashed = false;
    bool init = o->root || o->nr_command;
    FILE *ramdisk = init ? make_ramdisk(o) : NULL;
    char *config;
    int console, rc;
    pid_t gdb;

    if (init && !ramdisk)
        return RUN_NO_RESULT;
    config = make_config(o, ramdisk);
    rc = !config || start(o, config, &console);
    free(config);
    if (ramdisk)
        fclose(ramdisk);
    if (rc)
        return RUN_NO_RESULT;
    gdb = start_gdb(o);
    rc = run_watch(o->name, console, init, &crashed);
    close(console);
    if (crashed)
        after_crash(o, gdb);
    else if (gdb > 0)
        kill(gdb, SIGTERM);
    return rc;
}

int cmd_run(int argc, char **argv)
{
    struct run_options o = {0};
    const struct opt opts[] = {
        {"initrd", 'i', NULL, &o.initrd}, {"root", 'r', NULL, &o.root},
        {"append", 'a', NULL, &o.append}, {"memory", 'm', NULL, &o.memory},
        {"smp", 's', NULL, &o.smp},       {"name", 'n', NULL, &o.name},
        {"gdb", 'g', NULL, &o.gdb},       {"quiet", 'q', &o.quiet, NULL},
        {"keep", 'k', &o.keep, NULL},     {0}};
    const char *args[COMMAND_WORDS + 1];
    int nr = options_take(opts, argc, argv, args, 1, COMMAND_WORDS + 1);
    char name[32];

    if (nr < 0)
        return EXIT_USAGE;
    client_quiet = true;
    snprintf(name, sizeof(name), "run-%d", getpid());
    if (!o.name)
        o.name = name;
    o.kernel = args[0];
    o.command = args + 1;
    o.nr_command = nr - 1;
    if (o.initrd && o.root) {
        say_error("one of --initrd and --root");
        return EXIT_USAGE;
    }
    if (o.nr_command && !o.initrd && !o.root) {
        say_error("a command needs --root or --initrd to run in");
        return EXIT_USAGE;
    }
    return run(&o);
}
