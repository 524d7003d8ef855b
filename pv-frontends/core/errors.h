/*
 * Errors are 0 or a negative number of Xen's own list, XEN_EINVAL and so on,
 * which is what hypercalls return too.
 */
#ifndef PARAVANE_CORE_ERRORS_H
#define PARAVANE_CORE_ERRORS_H

#include <xen/errno.h>

#endif
