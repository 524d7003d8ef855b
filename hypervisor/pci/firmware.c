/*
 * What dom0 may ask about the firmware. On UEFI machines the configuration
 * tables lead it to the ACPI root; runtime services are not offered.
 */
#include "pci/internal.h"
#include "boot/boot.h"
#include "cpu/cpu.h"
#include "mm/guestcopy.h"
#include "mm/hvmap.h"
#include "pci/pci.h"

/* UEFI 2.10, 4.3: the 64-bit system table as the firmware left it. */
struct efi_system_table {
    uint64_t signature;
    uint32_t revision, header_size, crc32, reserved;
    uint64_t vendor; /* UCS-2 string */
    uint32_t vendor_revision, pad;
    uint64_t con_in_handle, con_in, con_out_handle, con_out, err_handle, err;
    uint64_t runtime, boot;
    uint64_t nr_tables, tables;
};
static_assert(sizeof(struct efi_system_table) == 120, "UEFI layout");
#define EFI_SIGNATURE 0x5453595320494249ull /* "IBI SYST" */

/* Copy physical memory that is no RAM of ours. */
static int phys_read(uint64_t phys, void *buf, size_t n)
{
    size_t offset = phys & ~PAGE_MASK;
    size_t size = ROUND_UP(offset + n, PAGE_SIZE);
    char *va = ioremap(phys & PAGE_MASK, size);

    if (!va)
        return -ENOMEM;
    memcpy(buf, va + offset, n);
    iounmap(va, size);
    return 0;
}

static int system_table(struct efi_system_table *st)
{
    int rc;

    if (!boot_info.efi_systab)
        return -ENOSYS;
    rc = phys_read(boot_info.efi_systab, st, sizeof(*st));
    if (!rc && st->signature != EFI_SIGNATURE)
        rc = -ENOSYS;
    return rc;
}

static int efi_vendor(union xenpf_efi_info *info,
                      const struct efi_system_table *st)
{
    uint16_t name[64];
    size_t n = 0;
    int rc;

    info->vendor.revision = st->vendor_revision;
    rc = phys_read(st->vendor, name, sizeof(name));
    if (rc)
        return rc;
    while (n < ARRAY_SIZE(name) - 1 && name[n])
        n++;
    name[n++] = 0;
    n = MIN(n * sizeof(name[0]), (size_t)info->vendor.bufsz & ~1ul);
    return copy_to_guest(info->vendor.name.p, name, n);
}

static int efi_info(uint32_t index, union xenpf_efi_info *info)
{
    struct efi_system_table st;
    int rc = system_table(&st);

    if (rc)
        return rc;
    switch (index) {
    case XEN_FW_EFI_VERSION:
        info->version = st.revision;
        return 0;
    case XEN_FW_EFI_CONFIG_TABLE:
        info->cfg.addr = st.tables;
        info->cfg.nent = st.nr_tables;
        return 0;
    case XEN_FW_EFI_VENDOR:
        return efi_vendor(info, &st);
    default:
        return -EINVAL;
    }
}

#define BDA_KEYBOARD_FLAGS 0x417 /* BIOS data area */

static uint8_t keyboard_flags(void)
{
    uint8_t flags = 0;

    if (!boot_info.efi_systab && phys_read(BDA_KEYBOARD_FLAGS, &flags, 1))
        flags = 0;
    return flags;
}

int firmware_info(struct xenpf_firmware_info *info)
{
    switch (info->type) {
    case XEN_FW_DISK_INFO:
    case XEN_FW_DISK_MBR_SIGNATURE:
    case XEN_FW_VBEDDC_INFO:
        /* Known to real-mode BIOS calls only, which we never make. */
        return -ESRCH;
    case XEN_FW_EFI_INFO:
        return efi_info(info->index, &info->u.efi_info);
    case XEN_FW_KBD_SHIFT_FLAGS:
        if (info->index)
            return -ESRCH;
        info->u.kbd_shift_flags = keyboard_flags();
        return 0;
    default:
        return -EINVAL;
    }
}

#define PM1_SLP_EN (1u << 13)

int acpi_enter_s5(uint16_t pm1a, uint16_t pm1b)
{
    if (!acpi_info.pm1a_cnt)
        return -EOPNOTSUPP;
    log_info("dom0 asks for power-off\n");
    outw(acpi_info.pm1a_cnt, pm1a | PM1_SLP_EN);
    if (acpi_info.pm1b_cnt)
        outw(acpi_info.pm1b_cnt, pm1b | PM1_SLP_EN);
    /* The chip set acts within moments; until then nothing must run. */
    for (;;)
        __asm__ volatile("hlt");
}
