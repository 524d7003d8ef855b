/*
 * Which guests there are, and a console for each.
 */
#ifndef PARAVANE_CONSOLE_DOMAINS_H
#define PARAVANE_CONSOLE_DOMAINS_H

#include "pv-backends/console/console.h"

struct domains;

/* Begins to look. 0 or -errno. */
int domains_open(struct domains **out, struct loop *loop,
                 const struct console_dirs *dirs);

/* Leaves the guests' consoles for a successor. */
void domains_close(struct domains *ds);

void domains_reopen_logs(struct domains *ds);

#endif
