#include "boot/boot.h"

#include "boot/internal.h"
#include "mm/hvmap.h"

struct acpi_info acpi_info;

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem_id[6], oem_table_id[8];
    uint32_t oem_revision, creator_id, creator_revision;
} PACKED;

struct acpi_rsdp {
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt, length;
    uint64_t xsdt;
    uint8_t extended_checksum, reserved[3];
} PACKED;
static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 5.2.5.3");

#define RSDP_SIZE_V1 20
#define TABLE_MAX    (1u << 20)

/* A table in our address space. Firmware's memory, so we trust it little. */
struct mapping {
    const uint8_t *p;
    size_t size;
    bool device; /* by ioremap() */
};

static INIT_TEXT bool in_direct_map(uint64_t phys, size_t n)
{
    if (phys + n <= 1 << 20)
        return true;
    for (unsigned i = 0; i < boot_info.nr_map; i++) {
        const struct boot_range *r = &boot_info.map[i];

        if (phys >= r->start && phys < r->end && n <= r->end - phys)
            return r->type == E820_RAM || r->type == E820_ACPI ||
                   r->type == E820_NVS;
    }
    return false;
}

static INIT_TEXT bool map(struct mapping *m, uint64_t phys, size_t n)
{
    if (!phys || phys + n < phys)
        return false;
    m->size = n;
    m->device = !in_direct_map(phys, n);
    m->p = m->device ? ioremap(phys, n) : phys_to_virt(phys);
    return m->p;
}

static INIT_TEXT void unmap(struct mapping *m)
{
    if (m->device)
        iounmap((void *)(uintptr_t)m->p, m->size);
}

static INIT_TEXT bool sum_is_zero(const uint8_t *p, size_t n)
{
    uint8_t sum = 0;

    while (n--)
        sum += *p++;
    return !sum;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* Map a whole table and check its sum. */
static INIT_TEXT bool map_table(struct mapping *m, uint64_t phys)
{
    struct acpi_header h;

    if (!map(m, phys, sizeof(h)))
        return false;
    memcpy(&h, m->p, sizeof(h));
    unmap(m);
    if (h.length < sizeof(h) || h.length > TABLE_MAX || !map(m, phys, h.length))
        return false;
    if (sum_is_zero(m->p, h.length))
        return true;
    log_warn("acpi: table %.4s at %lx has a bad checksum\n", h.signature, phys);
    unmap(m);
    return false;
}

static INIT_TEXT bool rsdp_ok(const uint8_t *p)
{
    return !memcmp(p, "RSD PTR ", 8) && sum_is_zero(p, RSDP_SIZE_V1);
}

/* BIOS: the EBDA's first KiB, then the last 128 KiB below 1 MiB. */
static INIT_TEXT uint64_t rsdp_scan(void)
{
    uint64_t ebda = (uint64_t)get16(phys_to_virt(0x40e)) << 4;

    if (ebda >= 0x400 && ebda < 0xa0000)
        for (uint64_t at = ebda; at < ebda + 1024; at += 16)
            if (rsdp_ok(phys_to_virt(at)))
                return at;
    for (uint64_t at = 0xe0000; at < 0x100000; at += 16)
        if (rsdp_ok(phys_to_virt(at)))
            return at;
    return 0;
}

/* EFI: the configuration table with ACPI 2.0's GUID (else 1.0's). */
static INIT_TEXT uint64_t rsdp_from_efi(uint64_t systab)
{
    static const uint8_t acpi2[16] = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4,
                                      0xd3, 0x11, 0xbc, 0x22, 0x00, 0x80,
                                      0xc7, 0x3c, 0x88, 0x81};
    static const uint8_t acpi1[16] = {0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d,
                                      0xd3, 0x11, 0x9a, 0x16, 0x00, 0x90,
                                      0x27, 0x3f, 0xc1, 0x4d};
    struct mapping m;
    uint64_t nr, tables, rsdp = 0;

    if (!map(&m, systab, 120))
        return 0;
    nr = MIN(get64(m.p + 104), 256ull);
    tables = memcmp(m.p, "IBI SYST", 8) ? 0 : get64(m.p + 112);
    unmap(&m);
    if (!nr || !map(&m, tables, nr * 24))
        return 0;
    for (uint64_t i = 0; i < nr; i++) {
        const uint8_t *entry = m.p + i * 24;

        if (!memcmp(entry, acpi2, 16)) {
            rsdp = get64(entry + 16);
            break;
        }
        if (!memcmp(entry, acpi1, 16))
            rsdp = get64(entry + 16);
    }
    unmap(&m);
    return rsdp;
}

/* The RSDP's bytes, from the best source there is. */
static INIT_TEXT bool rsdp_find(struct acpi_rsdp *rsdp)
{
    uint64_t at = boot_info.rsdp;
    struct mapping m;

    if (!at && boot_info.efi_systab)
        at = rsdp_from_efi(boot_info.efi_systab);
    if (!at && !boot_info.efi_systab)
        at = rsdp_scan();
    if (at && map(&m, at, sizeof(*rsdp))) {
        memcpy(rsdp, m.p, sizeof(*rsdp));
        unmap(&m);
        if (rsdp_ok((const uint8_t *)rsdp)) {
            acpi_info.rsdp = at;
            return true;
        }
    }
    memcpy(rsdp, boot_info.rsdp_copy, sizeof(*rsdp));
    return rsdp_ok((const uint8_t *)rsdp);
}

static INIT_TEXT void add_cpu(uint32_t apic_id, uint32_t acpi_id,
                              uint32_t flags)
{
    unsigned i = acpi_info.nr_cpus;

    if (!(flags & 3)) /* neither here nor to be plugged in */
        return;
    if (i == MAX_CPUS) {
        log_warn("acpi: CPU with APIC id %u is beyond the %d we drive\n",
                 apic_id, MAX_CPUS);
        return;
    }
    acpi_info.cpu[i].apic_id = apic_id;
    acpi_info.cpu[i].acpi_id = acpi_id;
    acpi_info.cpu[i].enabled = flags & 1;
    acpi_info.nr_cpus++;
}

static INIT_TEXT void add_ioapic(const uint8_t *p)
{
    unsigned i = acpi_info.nr_ioapics;

    if (i == ARRAY_SIZE(acpi_info.ioapic)) {
        log_warn("acpi: too many I/O APICs\n");
        return;
    }
    acpi_info.ioapic[i].id = p[2];
    acpi_info.ioapic[i].phys = get32(p + 4);
    acpi_info.ioapic[i].gsi_base = get32(p + 8);
    acpi_info.nr_ioapics++;
}

static INIT_TEXT void add_iso(const uint8_t *p)
{
    unsigned i = acpi_info.nr_isos;

    if (i == ARRAY_SIZE(acpi_info.iso))
        return;
    acpi_info.iso[i].source = p[3];
    acpi_info.iso[i].gsi = get32(p + 4);
    acpi_info.iso[i].flags = get16(p + 8);
    acpi_info.nr_isos++;
}

static INIT_TEXT void madt_entry(const uint8_t *p, uint8_t size)
{
    enum { LAPIC = 0, IOAPIC = 1, ISO = 2, LAPIC_ADDRESS = 5, X2APIC = 9 };

    if (p[0] == LAPIC && size >= 8 && p[3] != 0xff)
        add_cpu(p[3], p[2], get32(p + 4));
    else if (p[0] == IOAPIC && size >= 12)
        add_ioapic(p);
    else if (p[0] == ISO && size >= 10)
        add_iso(p);
    else if (p[0] == LAPIC_ADDRESS && size >= 12)
        acpi_info.lapic_phys = get64(p + 4);
    else if (p[0] == X2APIC && size >= 16)
        add_cpu(get32(p + 4), get32(p + 12), get32(p + 8));
}

static INIT_TEXT void parse_madt(const uint8_t *p, size_t n)
{
    if (n < 44)
        return;
    acpi_info.lapic_phys = get32(p + 36);
    for (size_t at = 44; at + 2 <= n; at += p[at + 1]) {
        if (p[at + 1] < 2 || p[at + 1] > n - at)
            return;
        madt_entry(p + at, p[at + 1]);
    }
}

/* A port out of a generic address (12 bytes), or the old field. */
static INIT_TEXT uint16_t fadt_port(const uint8_t *p, size_t n, size_t generic,
                                    size_t old)
{
    if (n >= generic + 12 && p[generic] == 1 && get64(p + generic + 4))
        return (uint16_t)get64(p + generic + 4);
    return (uint16_t)get32(p + old);
}

static INIT_TEXT void parse_fadt(const uint8_t *p, size_t n)
{
    if (n < 116)
        return;
    acpi_info.pm1a_evt = fadt_port(p, n, 148, 56);
    acpi_info.pm1b_evt = fadt_port(p, n, 160, 60);
    acpi_info.pm1a_cnt = fadt_port(p, n, 172, 64);
    acpi_info.pm1b_cnt = fadt_port(p, n, 184, 68);
    acpi_info.pm_timer_port = fadt_port(p, n, 208, 76);
    if (n >= 129 && get32(p + 112) & 1 << 10) {
        acpi_info.reset_reg_valid = true;
        acpi_info.reset_space = p[116];
        acpi_info.reset_addr = get64(p + 120);
        acpi_info.reset_value = p[128];
    }
}

static INIT_TEXT void parse_hpet(const uint8_t *p, size_t n)
{
    if (n >= 56 && p[40] == 0)
        acpi_info.hpet_phys = get64(p + 44);
}

static INIT_TEXT void parse_mcfg(const uint8_t *p, size_t n)
{
    for (size_t at = 44; at + 16 <= n; at += 16) {
        unsigned i = acpi_info.nr_mcfg;

        if (i == ARRAY_SIZE(acpi_info.mcfg))
            return;
        acpi_info.mcfg[i].base = get64(p + at);
        acpi_info.mcfg[i].seg = get16(p + at + 8);
        acpi_info.mcfg[i].first_bus = p[at + 10];
        acpi_info.mcfg[i].last_bus = p[at + 11];
        acpi_info.nr_mcfg++;
    }
}

static const struct {
    char signature[5];
    void (*parse)(const uint8_t *p, size_t n);
} parsers[] = {{"APIC", parse_madt},
               {"FACP", parse_fadt},
               {"HPET", parse_hpet},
               {"MCFG", parse_mcfg}};

static INIT_TEXT void parse_table(uint64_t phys)
{
    struct mapping m;

    if (!map_table(&m, phys))
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(parsers); i++)
        if (!memcmp(m.p, parsers[i].signature, 4))
            parsers[i].parse(m.p, m.size);
    unmap(&m);
}

/* The root table: 8-byte pointers in an XSDT, 4-byte ones in an RSDT. */
static INIT_TEXT bool parse_root(uint64_t phys, size_t pointer)
{
    struct mapping m;

    if (!map_table(&m, phys))
        return false;
    for (size_t at = sizeof(struct acpi_header); at + pointer <= m.size;
         at += pointer)
        parse_table(pointer == 8 ? get64(m.p + at) : get32(m.p + at));
    unmap(&m);
    return true;
}

INIT_TEXT void acpi_init(void)
{
    struct acpi_rsdp rsdp;

    if (!rsdp_find(&rsdp))
        boot_stop(
            "No ACPI tables; they are needed (QEMU: do not use -no-acpi).");
    if (rsdp.revision < 2 || !rsdp.xsdt || !parse_root(rsdp.xsdt, 8))
        parse_root(rsdp.rsdt, 4);
    if (!acpi_info.nr_cpus || !acpi_info.nr_ioapics)
        boot_stop("ACPI names %u CPUs and %u I/O APICs; a machine with both "
                  "is needed.",
                  acpi_info.nr_cpus, acpi_info.nr_ioapics);
    log_info("acpi: %u CPUs, %u I/O APICs, PM timer port %x, HPET %lx, "
             "%u ECAM ranges\n",
             acpi_info.nr_cpus, acpi_info.nr_ioapics, acpi_info.pm_timer_port,
             acpi_info.hpet_phys, acpi_info.nr_mcfg);
}
