#include "xenstore/daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define SOCKET_PATH "/run/xenstored/socket"
#define STATE_PATH  "/run/paravane/store.journal"
#define LOG_PATH    "/var/log/paravane/pvstored.log"

static const char usage[] =
    "usage: pvstored [options]\n"
    "The store of a Xen-style host: the xenstore protocol over a socket, "
    "dom0's\n"
    "kernel's ring and the guests' rings. Killed and started again it carries\n"
    "on. See pvstored(8).\n"
    "\n"
    "  -f, --foreground     do not go to the background; log to standard "
    "error\n"
    "  -S, --socket PATH    listen there (" SOCKET_PATH ")\n"
    "  -j, --state PATH     keep the journal there (" STATE_PATH ")\n"
    "      --no-state       keep none: a restart begins with an empty store\n"
    "      --recover        go on from a damaged journal's last good record\n"
    "      --sockets-only   leave the hypervisor alone\n"
    "  -l, --log FILE       log there (in the background: " LOG_PATH ")\n"
    "  -p, --pid-file FILE  write the daemon's process id there\n"
    "  -T, --trace          log each request\n"
    "      --version        say the version\n"
    "  -h, --help           this text\n";

static const struct option long_options[] = {
    {"foreground", no_argument, NULL, 'f'},
    {"socket", required_argument, NULL, 'S'},
    {"state", required_argument, NULL, 'j'},
    {"no-state", no_argument, NULL, 'n'},
    {"recover", no_argument, NULL, 'R'},
    {"sockets-only", no_argument, NULL, 'x'},
    {"log", required_argument, NULL, 'l'},
    {"pid-file", required_argument, NULL, 'p'},
    {"trace", no_argument, NULL, 'T'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

void options_parse(struct options *o, int argc, char **argv)
{
    int c;

    *o = (struct options){
        .socket = SOCKET_PATH, .state = STATE_PATH, .argv = argv};

    while ((c = getopt_long(argc, argv, "fS:j:l:p:Th", long_options, NULL)) !=
           -1)
        switch (c) {
        case 'f':
            o->foreground = true;
            break;
        case 'S':
            o->socket = optarg;
            break;
        case 'j':
            o->state = optarg;
            break;
        case 'n':
            o->no_state = true;
            break;
        case 'R':
            o->recover = true;
            break;
        case 'x':
            o->sockets_only = true;
            break;
        case 'l':
            o->log = optarg;
            break;
        case 'p':
            o->pid_file = optarg;
            break;
        case 'T':
            o->trace = true;
            break;
        case 'V':
            puts("pvstored " PARAVANE_VERSION);
            exit(0);
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs("pvstored --help lists the options\n", stderr);
            exit(2);
        }
    if (optind < argc) {
        fprintf(stderr, "pvstored: \"%s\" is not an option\n", argv[optind]);
        exit(2);
    }
    if (!o->foreground && !o->log)
        o->log = LOG_PATH;
}
