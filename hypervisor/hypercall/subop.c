/* Copying the arguments of sub-operations, in one place. */
#include "hypercall/hypercall.h"
#include "domain/domain.h"
#include "mm/guestcopy.h"

#define SUBOP_MAX_SIZE 512

long subop_run(const struct hc_subop *rows, size_t nr_rows, uint64_t cmd,
               void *guest_arg)
{
    uint64_t arg[SUBOP_MAX_SIZE / 8];
    const struct hc_subop *row;
    int rc;

    if (cmd >= nr_rows)
        return -ENOSYS;
    row = &rows[nospec_index(cmd, nr_rows)];
    if (!row->fn)
        return -ENOSYS;
    if ((row->flags & HC_PRIV) && !policy_is_privileged(current->domain))
        return -EPERM;

    BUG_ON(row->size > sizeof(arg)); /* the table's mistake, no guest's */
    if (row->flags & HC_IN) {
        if (copy_from_guest(arg, guest_arg, row->size))
            return -EFAULT;
    } else {
        memset(arg, 0, row->size); /* what is copied out holds no secrets */
    }

    rc = row->fn(arg);
    if (rc >= 0 && (row->flags & HC_OUT) &&
        copy_to_guest(guest_arg, arg, row->size))
        return -EFAULT;
    return rc;
}
