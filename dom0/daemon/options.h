/* pvnd's command line and /etc/paravane/paravane.conf. */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "dom0/daemon/daemon.h"

/*
 * Defaults, then the file, then the command line: each wins over the one
 * before. >0: print nothing more and leave with success; <0: a reason in `f`.
 */
int options_read(struct options *o, int argc, char **argv, struct fault *f);

/* One "key = value" text; exposed for tests. */
int options_parse(struct options *o, const char *file, char *text,
                  struct fault *f);

/* The whole of a small file, to free(); NULL with errno. */
char *read_file(const char *path, size_t max, size_t *len);

#endif
