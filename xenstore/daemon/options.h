/* What pvstored's command line says. */
#ifndef XENSTORE_DAEMON_OPTIONS_H
#define XENSTORE_DAEMON_OPTIONS_H

#include <stdbool.h>

struct options {
    const char *socket, *state, *log, *pid_file; /* log NULL: standard error */
    bool foreground, recover, no_state, sockets_only, trace;
    char **argv; /* all of it: a live update's */
};

/* Does not come back from --help, --version and what makes no sense. */
void options_parse(struct options *o, int argc, char **argv);

#endif
