/* Host tests: what a test says about guest memory holds here, too. */
#ifndef MM_GUESTWORD_H
#define MM_GUESTWORD_H

#include "mm/guestcopy.h"

#define guest_load(dst, guest, n)  copy_from_guest(dst, guest, n)
#define guest_store(guest, src, n) copy_to_guest(guest, src, n)

#endif
