/* What pci/'s files share. */
#ifndef PCI_INTERNAL_H
#define PCI_INTERNAL_H

#include "lib/lib.h"

#include <xen/platform.h>

/* XENPF_firmware_info: -ESRCH past the last item, -ENOSYS without EFI. */
int firmware_info(struct xenpf_firmware_info *info);

#endif
