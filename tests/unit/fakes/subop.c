#include "fake.h"

#include "hypercall/hypercall.h"
#include "mm/guestcopy.h"

/* As hypercall/subop.c promises, for tests that do not link it. */
long subop_run(const struct hc_subop *rows, size_t nr_rows, uint64_t cmd,
               void *guest_arg)
{
    uint64_t arg[64] = {0};
    int rc;

    if (cmd >= nr_rows || !rows[cmd].fn)
        return -ENOSYS;
    if ((rows[cmd].flags & HC_PRIV) && !policy_is_privileged(current->domain))
        return -EPERM;
    if ((rows[cmd].flags & HC_IN) &&
        copy_from_guest(arg, guest_arg, rows[cmd].size))
        return -EFAULT;
    rc = rows[cmd].fn(arg);
    if (rc >= 0 && (rows[cmd].flags & HC_OUT) &&
        copy_to_guest(guest_arg, arg, rows[cmd].size))
        return -EFAULT;
    return rc;
}
