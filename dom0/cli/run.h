/* A guest in the foreground: `pvn run`'s terminal. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdbool.h>

/* As others of its kind do: our own failure, not the command's. */
#define RUN_NO_RESULT   125
#define RUN_INTERRUPTED 130

/*
 * This terminal on the console until the guest ends or Ctrl-A x ends it. The
 * exit code: what the guest's first process said (`expects` that it will), 0
 * for a guest that powered off by itself, RUN_NO_RESULT. The guest is gone
 * then, unless it crashed: what is to become of it is the caller's to say.
 */
int run_watch(const char *guest, int console, bool expects, bool *crashed);

#endif
