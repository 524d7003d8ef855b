#include "console/console.h"

#include "domain/domain.h"
#include "hypercall/handlers.h"
#include "mm/guestcopy.h"

#define CHUNK 8 /* a serial line takes 0.7 ms for it */

/* Written a copied chunk at a time; gives way between them. */
static long console_io_write(struct hc_args *a)
{
    uint32_t count = (uint32_t)a->arg[1];
    const char *from = (const char *)a->arg[2];
    char chunk[CHUNK];

    while (count) {
        uint32_t n = MIN(count, (uint32_t)CHUNK);

        if (copy_from_guest(chunk, from, n))
            return -EFAULT;
        console_write(chunk, n);
        count -= n;
        from += n;
        if (count && hypercall_should_yield()) {
            a->arg[1] = count;
            a->arg[2] = (uint64_t)from;
            return -ERESTART;
        }
    }
    return 0;
}

/* What there is, at most a chunk; the caller asks again for more. */
static long console_io_read(struct hc_args *a)
{
    uint32_t count = (uint32_t)a->arg[1];
    char chunk[CHUNK];
    size_t n = console_read(chunk, MIN(count, (uint32_t)CHUNK));

    if (copy_to_guest((void *)a->arg[2], chunk, n))
        return -EFAULT;
    return (long)n;
}

long hc_console_io(struct hc_args *a)
{
    if (!policy_is_privileged(current->domain))
        return -EPERM;
    switch ((uint32_t)a->arg[0]) {
    case CONSOLEIO_write:
        return console_io_write(a);
    case CONSOLEIO_read:
        return console_io_read(a);
    default:
        return -ENOSYS;
    }
}
