/*
 * The invariants of the frame table, checked: a walk over all frames, all
 * domains' lists and every guest table, while all other CPUs stand still.
 * Counts are compared with the uses that the walk finds: a count below them
 * is a hole, one above may be a call that was stopped half-way.
 */
#ifndef MM_CHECK_H
#define MM_CHECK_H

#include "lib/lib.h"

struct domain;

/*
 * Number of violations; the first ones go to the log, with a line of totals
 * when `say_all`. -ENOMEM when there is no memory to count in. The caller
 * holds no lock.
 */
int frames_check(bool say_all);
/* Has `d`, about to be freed, left no frame behind? */
bool frames_all_gone(const struct domain *d);

#endif
