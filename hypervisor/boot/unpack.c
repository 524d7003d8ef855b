/* From the kernel's file to its ELF; boot only. */
#include "boot/boot.h"
#include "boot/image.h"
#include "boot/pagerun.h"
#include "cpu/cpu.h"
#include "mm/frame.h"

/*
 * The libraries are built for user space: they use SSE, and their stack
 * protector reads its canary from FS:0x28.
 */
struct user_state {
    uint64_t cr0, cr4, fs_base;
};

static uint8_t fake_tls[64] ALIGNED(64) INIT_DATA = {0};

static INIT_TEXT void enter_user_code(struct user_state *s)
{
    uint32_t mxcsr = 0x1f80;

    s->cr0 = read_cr0();
    s->cr4 = read_cr4();
    s->fs_base = rdmsr(MSR_FS_BASE);
    write_cr0((s->cr0 & ~(uint64_t)(CR0_EM | CR0_TS)) | CR0_MP);
    write_cr4(s->cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT);
    wrmsr(MSR_FS_BASE, (uintptr_t)fake_tls);
    __asm__ volatile("fninit; ldmxcsr %0" ::"m"(mxcsr));
}

static INIT_TEXT void leave_user_code(const struct user_state *s)
{
    wrmsr(MSR_FS_BASE, s->fs_base);
    write_cr4(s->cr4);
    write_cr0(s->cr0);
}

INIT_TEXT void unpack_kernel(const struct boot_module *m, struct unpacked *u)
{
    struct user_state state;
    struct kernel_image img;
    const char *why;
    size_t nr_pages;

    memset(u, 0, sizeof(*u));
    why = image_recognise(phys_to_virt(m->start), m->size, &img);
    if (why)
        boot_stop("dom0: %s", why);
    u->elf = img.payload;
    u->size = img.unpacked_size;
    if (img.packing == PACKING_NONE)
        return;

    nr_pages = DIV_ROUND_UP(img.unpacked_size, PAGE_SIZE);
    u->buffer = pagerun_alloc(nr_pages);
    if (!u->buffer)
        boot_stop("dom0: no memory to unpack the kernel (%zu MiB in one "
                  "piece): give the machine more",
                  img.unpacked_size >> 20);
    enter_user_code(&state);
    why = image_unpack(&img, u->buffer);
    leave_user_code(&state);
    if (why && pagerun_failed)
        boot_stop("dom0: not enough memory to unpack the kernel: give the "
                  "machine more");
    if (why)
        boot_stop("dom0: %s", why);
    u->elf = u->buffer;
}

INIT_TEXT void unpack_release(struct unpacked *u)
{
    if (u->buffer)
        pagerun_free(u->buffer, DIV_ROUND_UP(u->size, PAGE_SIZE));
    u->buffer = NULL;
}
