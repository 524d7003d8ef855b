#include "dom0/daemon/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONF_MAX (64 * 1024)

static const char usage[] =
    "Usage: pvnd [options]\n"
    "The manager of this host's guests; see pvnd(8).\n\n"
    "  --external-store     use the store that listens already\n"
    "  --external-console   leave the consoles to another daemon\n"
    "  --external-backends  leave disks and network cards to other daemons\n"
    "  --leave              end all daemons, take the networks down, and end;\n"
    "                       refused while guests run\n"
    "  --programs DIR       where pvstored and the others are\n"
    "  --etc DIR            instead of /etc/paravane\n"
    "  --run DIR            instead of /run/paravane\n"
    "  --log DIR            instead of /var/log/paravane\n"
    "  --version            print it\n"
    "  --help               print this\n";

char *read_file(const char *path, size_t max, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(max + 1);
    ssize_t n = 0;

    *len = 0;
    while (text && *len < max && (n = read(fd, text + *len, max - *len)) > 0)
        *len += (size_t)n;
    if (text && (n < 0 || *len == max)) {
        if (*len == max)
            errno = EFBIG;
        free(text);
        text = NULL;
    }
    if (text)
        text[*len] = 0;
    if (fd >= 0)
        close(fd);
    return text;
}

/* --- the file --------------------------------------------------------------*/

static int set_text(const char **to, const char *value)
{
    char *copy = strdup(value); /* lives as long as the daemon */

    if (!copy)
        return -ENOMEM;
    *to = copy;
    return 0;
}

static int set_number(unsigned *to, const char *value, unsigned min,
                      unsigned max)
{
    char *end;
    unsigned long n = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || *end || n < min || n > max)
        return -EINVAL;
    *to = (unsigned)n;
    return 0;
}

static int set_autoballoon(enum autoballoon *to, const char *value)
{
    static const char *const names[] = {"no", "yes", "auto"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcmp(value, names[i])) {
            *to = (enum autoballoon)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int set_value(struct options *o, const char *key, const char *value)
{
    if (!strcmp(key, "group"))
        return *value ? set_text(&o->group, value) : -EINVAL;
    if (!strcmp(key, "kernel-cache"))
        return set_text(&o->cache_dir, value);
    if (!strcmp(key, "crash-dumps"))
        return set_text(&o->dumps_dir, value);
    if (!strcmp(key, "crash-dumps-kept"))
        return set_number(&o->dumps_kept, value, 1, 1000);
    if (!strcmp(key, "default-bridge")) {
        if (!*value || strlen(value) >= sizeof(o->default_bridge))
            return -EINVAL;
        strcpy(o->default_bridge, value);
        return 0;
    }
    if (!strcmp(key, "device-timeout"))
        return set_number(&o->device_timeout_s, value, 1, 600);
    if (!strcmp(key, "autoballoon"))
        return set_autoballoon(&o->autoballoon, value);
    if (!strcmp(key, "dom0-min-memory"))
        return set_number(&o->dom0_min_mib, value, 128, 1 << 20);
    return -ENOENT;
}

static char *trim(char *s)
{
    char *end;

    s += strspn(s, " \t\r");
    for (end = s + strlen(s); end > s && strchr(" \t\r", end[-1]); end--)
        ;
    *end = 0;
    return s;
}

static int parse_line(struct options *o, char *line)
{
    char *value;

    line[strcspn(line, "#")] = 0;
    line = trim(line);
    if (!*line)
        return 0;
    value = strchr(line, '=');
    if (!value)
        return -EINVAL;
    *value++ = 0;
    return set_value(o, trim(line), trim(value));
}

int options_parse(struct options *o, const char *file, char *text,
                  struct fault *f)
{
    unsigned line_nr = 0;
    char *line;
    int rc;

    while ((line = strsep(&text, "\n"))) {
        line_nr++;
        rc = parse_line(o, line);
        if (rc == -ENOENT)
            return fault_set(f, rc, FAULT_CONFIG, "%s:%u: there is no such key",
                             file, line_nr);
        if (rc)
            return fault_set(f, rc, FAULT_CONFIG,
                             "%s:%u: \"key = value\" was expected, with a "
                             "value that fits the key",
                             file, line_nr);
    }
    return 0;
}

static int read_conf(struct options *o, struct fault *f)
{
    char path[300], *text;
    size_t len;
    int rc;

    snprintf(path, sizeof(path), "%s/paravane.conf", o->etc_dir);
    text = read_file(path, CONF_MAX, &len);
    if (!text)
        return errno == ENOENT ? 0
                               : fault_set(f, -errno, FAULT_CONFIG, "%s: %s",
                                           path, strerror(errno));
    rc = options_parse(o, path, text, f);
    free(text);
    return rc;
}

/* --- the command line ------------------------------------------------------*/

/* Our own folder: programs of one build or one package stay together. */
static const char *own_folder(void)
{
    static char path[256];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash;

    path[n > 0 ? n : 0] = 0;
    slash = strrchr(path, '/');
    if (!slash)
        return "/usr/sbin";
    *slash = 0;
    return path;
}

enum {
    OPT_STORE = 256,
    OPT_CONSOLE,
    OPT_BACKENDS,
    OPT_LEAVE,
    OPT_PROGRAMS,
    OPT_ETC,
    OPT_RUN,
    OPT_LOG,
    OPT_VERSION,
    OPT_HELP
};

static const struct option long_options[] = {
    {"external-store", no_argument, NULL, OPT_STORE},
    {"external-console", no_argument, NULL, OPT_CONSOLE},
    {"external-backends", no_argument, NULL, OPT_BACKENDS},
    {"leave", no_argument, NULL, OPT_LEAVE},
    {"programs", required_argument, NULL, OPT_PROGRAMS},
    {"etc", required_argument, NULL, OPT_ETC},
    {"run", required_argument, NULL, OPT_RUN},
    {"log", required_argument, NULL, OPT_LOG},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static int read_option(struct options *o, int opt, struct fault *f)
{
    switch (opt) {
    case OPT_STORE:
        o->external_store = true;
        return 0;
    case OPT_CONSOLE:
        o->external_console = true;
        return 0;
    case OPT_BACKENDS:
        o->external_backends = true;
        return 0;
    case OPT_LEAVE:
        o->leave = true;
        return 0;
    case OPT_PROGRAMS:
        o->programs = optarg;
        return 0;
    case OPT_ETC:
        o->etc_dir = optarg;
        return 0;
    case OPT_RUN:
        o->run_dir = optarg;
        return 0;
    case OPT_LOG:
        o->log_dir = optarg;
        return 0;
    case OPT_VERSION:
        puts("pvnd (Paravane) " PARAVANE_VERSION);
        return 1;
    case OPT_HELP:
        fputs(usage, stdout);
        return 1;
    default:
        return fault_set(f, -EINVAL, FAULT_PARAMS, "see pvnd --help");
    }
}

int options_read(struct options *o, int argc, char **argv, struct fault *f)
{
    int opt, rc;

    *o = (struct options){
        .run_dir = "/run/paravane",
        .etc_dir = "/etc/paravane",
        .log_dir = "/var/log/paravane",
        .cache_dir = KERNEL_CACHE_DIR,
        .dumps_dir = "/var/lib/paravane/dumps",
        .dumps_kept = 3,
        .programs = own_folder(),
        .group = "paravane",
        .default_bridge = "xenbr0",
        .device_timeout_s = 20,
        .autoballoon = BALLOON_AUTO,
        .dom0_min_mib = 512,
    };
    while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        rc = read_option(o, opt, f);
        if (rc)
            return rc;
    }
    if (optind < argc)
        return fault_set(f, -EINVAL, FAULT_PARAMS,
                         "pvnd takes no argument \"%s\"", argv[optind]);
    return read_conf(o, f);
}
