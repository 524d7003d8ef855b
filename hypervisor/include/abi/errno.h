/* Error numbers of the hypercall ABI, <xen/errno.h>, as plain constants. */
#ifndef ABI_ERRNO_H
#define ABI_ERRNO_H

#ifndef EPERM /* host unit tests bring the same numbers from <errno.h> */
#define XEN_ERRNO(name, value) name = value,
enum {
#include <xen/errno.h>
};
#endif

/* Private: give way, and make the guest ask again. Never reaches a guest. */
#ifndef ERESTART
#define ERESTART 85
#endif

#endif
