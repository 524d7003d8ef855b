/* Prints how many pages the hypervisor has left (XEN_SYSCTL_physinfo), which
   the toolstack only tells in MiB. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xen/xen.h>
#include <xen/sysctl.h>
#include <xen/sys/privcmd.h>

int main(void)
{
    struct xen_sysctl *op =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    privcmd_hypercall_t call = {.op = __HYPERVISOR_sysctl,
                                .arg = {(uintptr_t)op}};
    int fd = open("/dev/xen/privcmd", O_RDWR);

    if (fd < 0 || op == MAP_FAILED) {
        perror("free-pages");
        return 1;
    }
    op->cmd = XEN_SYSCTL_physinfo;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    if (ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call)) {
        perror("free-pages: physinfo");
        return 1;
    }
    printf("%llu\n", (unsigned long long)op->u.physinfo.free_pages);
    return 0;
}
