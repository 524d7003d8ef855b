/* The assembly part of the guest: entries that end a measurement. */
#ifndef PATHLEN_GUEST_ENTRY_H
#define PATHLEN_GUEST_ENTRY_H

#include "guest.h"

/* Handlers of system calls, page faults, int3 and events; then the library's.
 */
extern char marked_syscall[], marked_event[], marked_fault[], marked_int3[];

/* What user mode runs: the end of the way there, then the way back. */
extern char user_syscall[], user_syscall_end[];
extern char user_fault[], user_fault_end[];
extern char user_traced[], user_traced_end[]; /* user_syscall, another name */

/* Return to the caller by the hypercall. */
void iret_to_kernel(void);

static inline void entry_register(uint16_t type, const char *address)
{
    struct callback_register reg = {
        .type = type,
        .flags = CALLBACKF_mask_events,
        .address = (uint64_t)address,
    };

    hc_callback_op(CALLBACKOP_register, &reg);
}

static inline void entries_with_marks(void)
{
    trap_set(14, 4, (uint64_t)marked_fault);
    trap_set(3, 7, (uint64_t)marked_int3);
    entry_register(CALLBACKTYPE_syscall, marked_syscall);
}

#endif
