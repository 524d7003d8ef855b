/* What a pvnd does before it listens: find its guests again and finish or
 * roll back what the last one was in the middle of. */
#ifndef DAEMON_RECOVER_H
#define DAEMON_RECOVER_H

#include "dom0/daemon/daemon.h"

/* Not in the loop's thread, which has to run meanwhile. Records have been
 * read (registry_load()). */
void recover(struct daemon *d);

#endif
