/* pvstore: the store from the shell. */
#include "xenstore/cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *name, *args, *help;
    int min, max; /* arguments; max -1: any number */
    int (*run)(struct cmd *c);
};

static const struct row rows[] = {
    {"read", "PATH...", "print the values of nodes", 1, -1, cmd_read},
    {"write", "PATH VALUE...", "set nodes, all or none", 2, -1, cmd_write},
    {"list", "PATH...", "print the names below", 1, -1, cmd_list},
    {"tree", "[-f] [-p] [PATH...]", "print nodes and all below", 0, -1,
     cmd_tree},
    {"ls", "[-f] [-p] [PATH...]", "the same", 0, -1, cmd_tree},
    {"rm", "[-t] PATH...", "remove nodes (-t: and parents left empty)", 1, -1,
     cmd_rm},
    {"chmod", "[-r] PATH PERM...", "set permissions (n0 r5 ...; -r: below too)",
     2, -1, cmd_chmod},
    {"exists", "PATH...", "exit with 0 if all are there", 1, -1, cmd_exists},
    {"watch", "[-n COUNT] PATH...", "print what changes", 1, -1, cmd_watch},
    {"quotas", "", "who uses what (pvstored only)", 0, 0, cmd_quotas},
    {"top", "[-n COUNT] [-d SECONDS]", "request rates (pvstored only)", 0, 0,
     cmd_top},
    {"control", "COMMAND [ARG...]", "an administrator's command", 1, -1,
     cmd_control},
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

static void usage(FILE *out)
{
    size_t i;

    fputs("usage: pvstore [-s] [--socket PATH] [--json] COMMAND ...\n"
          "The store of the host. See pvstore(1).\n\n",
          out);
    for (i = 0; i < NR_ROWS; i++)
        fprintf(out, "  %-7s %-24s %s\n", rows[i].name, rows[i].args,
                rows[i].help);
    fputs("\n  -s             the socket only, never the kernel's device\n"
          "  --socket PATH  this socket\n"
          "  --json         for programs\n"
          "  --version, --help\n",
          out);
}

static const struct option options[] = {
    {"json", no_argument, NULL, 'j'},
    {"socket", required_argument, NULL, 'S'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int bad_usage(const char *text)
{
    fprintf(stderr, "pvstore: %s; pvstore --help lists the commands\n", text);
    return 2;
}

/* Those of argv[1] on, by getopt's `text`. */
static int take_options(struct cmd *c, int argc, char **argv, const char *text,
                        unsigned long *flags)
{
    int o;

    optind = 0;
    while ((o = getopt_long(argc, argv, text, options, NULL)) != -1)
        switch (o) {
        case 's':
            *flags |= XS_OPEN_SOCKETONLY;
            break;
        case 'S':
            setenv("XENSTORED_PATH", optarg, 1);
            break;
        case 'j':
            c->json = true;
            break;
        case 'f':
            c->flat = true;
            break;
        case 'p':
            c->perms = true;
            break;
        case 'r':
        case 't':
            c->all = true;
            break;
        case 'n':
            c->count = strtol(optarg, NULL, 10);
            if (c->count <= 0)
                return bad_usage("-n wants a number above 0");
            break;
        case 'd':
            c->wait = strtod(optarg, NULL);
            if (!(c->wait > 0))
                return bad_usage("-d wants a number above 0");
            break;
        case 'V':
            puts("pvstore " PARAVANE_VERSION);
            exit(0);
        case 'h':
            usage(stdout);
            exit(0);
        default:
            return bad_usage("an option is not known");
        }
    return 0;
}

/* Options stand before or after the command's name; what follows "control" is
 * the daemon's. */
static int parse(struct cmd *c, int argc, char **argv, unsigned long *flags)
{
    int rc = take_options(c, argc, argv, "+sfprtn:d:h", flags);

    if (rc)
        return rc;
    if (optind >= argc)
        return bad_usage("no command");
    c->name = argv[optind];
    argc -= optind;
    argv += optind;
    if (!strcmp(c->name, "control"))
        optind = 1;
    else
        rc = take_options(c, argc, argv, "sfprtn:d:h", flags);
    if (rc)
        return rc;
    c->argc = argc - optind;
    c->argv = argv + optind;
    return 0;
}

static const struct row *find_row(const char *name)
{
    size_t i;

    for (i = 0; i < NR_ROWS; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    return NULL;
}

int main(int argc, char **argv)
{
    struct cmd c = {.wait = 1};
    unsigned long flags = 0;
    const struct row *row;
    int rc = parse(&c, argc, argv, &flags);

    if (rc)
        return rc;
    row = find_row(c.name);
    if (!row)
        return bad_usage("no such command");
    if (c.argc < row->min || (row->max >= 0 && c.argc > row->max)) {
        fprintf(stderr, "usage: pvstore %s %s\n", row->name, row->args);
        return 2;
    }
    c.h = xs_open(flags);
    if (!c.h) {
        fprintf(stderr, "pvstore: no store answers at %s: %s\n",
                xs_daemon_socket(), strerror(errno));
        return 1;
    }
    rc = row->run(&c);
    xs_close(c.h);
    if (fflush(stdout) || ferror(stdout))
        rc = rc ? rc : 1;
    return rc;
}
