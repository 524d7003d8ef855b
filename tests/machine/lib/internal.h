/* What the library's files share among themselves. */
#ifndef TEST_INTERNAL_H
#define TEST_INTERNAL_H

#include "guest.h"

void guest_start(void);
void trap_entry(struct regs *regs);
/* The running case ends here and takes the guest with it. */
void verdict_died(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
