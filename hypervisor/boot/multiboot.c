#include "boot/internal.h"

#define MB1_BOOT_MAGIC 0x2badb002u
#define MB2_BOOT_MAGIC 0x36d76289u

struct boot_info boot_info;

/* The strings outlive the loader's memory. */
static char hv_cmdline[2048], loader_name[64];
static char module_cmdline[MAX_MODULES][2048];

static void add_range(uint64_t start, uint64_t size, uint32_t type)
{
    uint64_t end;

    if (!size || __builtin_add_overflow(start, size, &end))
        return;
    if (type < E820_RAM || type > E820_UNUSABLE)
        type = E820_RESERVED;
    if (boot_info.nr_map == MAX_E820) {
        log_warn("memory map: more than %d entries, %lx-%lx is not used\n",
                 MAX_E820, start, end);
        return;
    }
    boot_info.map[boot_info.nr_map++] = (struct boot_range){start, end, type};
}

static void copy_string(char *dst, size_t size, const char *src, size_t max,
                        const char *what)
{
    size_t n = src ? strnlen(src, max) : 0;

    if (n >= size)
        boot_stop("The command line of %s is longer than %zu characters; "
                  "shorten it.",
                  what, size - 1);
    memcpy(dst, src, n);
    dst[n] = 0;
}

/* GRUB 2 leaves the file's name out, the others begin with it. */
static const char *without_name(const char *s)
{
    while (*s == ' ')
        s++;
    if (!strncmp(boot_info.loader, "GRUB 2", 6))
        return s;
    while (*s && *s != ' ')
        s++;
    while (*s == ' ')
        s++;
    return s;
}

static void set_cmdline(const char *s, size_t max)
{
    copy_string(hv_cmdline, sizeof(hv_cmdline), s, max, "the hypervisor");
}

static void set_loader(const char *s, size_t max)
{
    size_t n = MIN(s ? strnlen(s, max) : 0, sizeof(loader_name) - 1);

    memcpy(loader_name, s, n);
    loader_name[n] = 0;
}

static void add_module(uint64_t start, uint64_t end, const char *s, size_t max)
{
    unsigned i = boot_info.nr_modules;

    if (end < start || !boot_phys(start, end - start))
        boot_stop("Module %u lies at %lx-%lx, out of reach: load it below "
                  "4 GiB.",
                  i, start, end);
    if (i == MAX_MODULES)
        boot_stop("More than %d modules; dom0 needs a kernel and an initrd.",
                  MAX_MODULES);
    copy_string(module_cmdline[i], sizeof(module_cmdline[i]), s, max,
                "a module");
    boot_info.module[i].start = start;
    boot_info.module[i].size = end - start;
    boot_info.nr_modules++;
}

/* Multiboot 1: a structure of pointers. */

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count,
        mods_addr, syms[4], mmap_length, mmap_addr, drives_length, drives_addr,
        config_table, boot_loader_name, apm_table, vbe_control_info,
        vbe_mode_info;
    uint16_t vbe_mode, vbe_interface_seg, vbe_interface_off, vbe_interface_len;
    uint64_t fb_addr;
    uint32_t fb_pitch, fb_width, fb_height;
    uint8_t fb_bpp, fb_type, fb_color[6];
} PACKED;

struct mb1_module {
    uint32_t start, end, string, reserved;
};

enum {
    MB1_CMDLINE = 1 << 2,
    MB1_MODS = 1 << 3,
    MB1_MMAP = 1 << 6,
    MB1_LOADER = 1 << 9,
    MB1_FB = 1 << 12
};

#define STRING_MAX 4096

static const char *mb1_string(uint32_t phys)
{
    return phys ? boot_phys(phys, STRING_MAX) : NULL;
}

static void mb1_mmap(const struct mb1_info *mbi)
{
    const uint8_t *p = boot_phys(mbi->mmap_addr, mbi->mmap_length);
    uint32_t left = p ? mbi->mmap_length : 0;

    /* Each entry says how long it is, not counting that field. */
    while (left >= 24) {
        uint32_t size, type;
        uint64_t addr, len;

        memcpy(&size, p, 4);
        memcpy(&addr, p + 4, 8);
        memcpy(&len, p + 12, 8);
        memcpy(&type, p + 20, 4);
        add_range(addr, len, type);
        if (size < 20 || size > left - 4)
            break;
        p += size + 4;
        left -= size + 4;
    }
}

static void set_fb(uint64_t base, uint32_t pitch, uint32_t width,
                   uint32_t height, uint8_t bpp, uint8_t type,
                   const uint8_t color[6])
{
    boot_info.fb.base = base;
    boot_info.fb.pitch = pitch;
    boot_info.fb.width = width;
    boot_info.fb.height = height;
    boot_info.fb.bpp = bpp;
    boot_info.fb.type = type == 1 || type == 2 ? type : 0;
    if (type != 1)
        return;
    boot_info.fb.rpos = color[0];
    boot_info.fb.rsize = color[1];
    boot_info.fb.gpos = color[2];
    boot_info.fb.gsize = color[3];
    boot_info.fb.bpos = color[4];
    boot_info.fb.bsize = color[5];
}

static void mb1_parse(uint64_t info)
{
    const void *at = boot_phys(info, sizeof(struct mb1_info));
    const struct mb1_module *mod;
    struct mb1_info mbi;

    if (!at)
        boot_stop("The boot loader's information lies beyond 4 GiB.");
    memcpy(&mbi, at, sizeof(mbi));

    if (mbi.flags & MB1_LOADER)
        set_loader(mb1_string(mbi.boot_loader_name), STRING_MAX);
    if (mbi.flags & MB1_CMDLINE)
        set_cmdline(mb1_string(mbi.cmdline), STRING_MAX);
    if (mbi.flags & MB1_MMAP)
        mb1_mmap(&mbi);
    if (mbi.flags & MB1_FB)
        set_fb(mbi.fb_addr, mbi.fb_pitch, mbi.fb_width, mbi.fb_height,
               mbi.fb_bpp, mbi.fb_type, mbi.fb_color);
    if (!(mbi.flags & MB1_MODS))
        return;
    mod = boot_phys(mbi.mods_addr, mbi.mods_count * (uint64_t)sizeof(*mod));
    for (uint32_t i = 0; mod && i < mbi.mods_count; i++, mod++)
        add_module(mod->start, mod->end, mb1_string(mod->string), STRING_MAX);
}

/* Multiboot 2: one block of tags. */

enum {
    MB2_END,
    MB2_CMDLINE,
    MB2_LOADER,
    MB2_MODULE,
    MB2_MMAP = 6,
    MB2_FB = 8,
    MB2_EFI64 = 12,
    MB2_RSDP1 = 14,
    MB2_RSDP2 = 15,
    MB2_EFI_MMAP = 17
};

struct mb2_tag {
    uint32_t type, size;
};

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static void mb2_mmap(const uint8_t *p, uint32_t n)
{
    uint32_t step = n >= 8 ? get32(p) : 0;

    if (step < 24)
        return;
    for (p += 8, n -= 8; n >= step; p += step, n -= step)
        add_range(get64(p), get64(p + 8), get32(p + 16));
}

/* Which E820 type an EFI memory descriptor has once boot services are over. */
static uint32_t efi_type(uint32_t type)
{
    if ((type >= 1 && type <= 4) || type == 7)
        return E820_RAM;
    if (type == 9)
        return E820_ACPI;
    if (type == 10)
        return E820_NVS;
    return type == 8 ? E820_UNUSABLE : E820_RESERVED;
}

static void mb2_efi_mmap(const uint8_t *p, uint32_t n)
{
    uint32_t step = n >= 8 ? get32(p) : 0;

    if (step < 40)
        return;
    for (p += 8, n -= 8; n >= step; p += step, n -= step)
        if (get64(p + 24) < 1ull << 52)
            add_range(get64(p + 8), get64(p + 24) << PAGE_SHIFT,
                      efi_type(get32(p)));
}

static void mb2_tag(uint32_t type, const uint8_t *p, uint32_t n)
{
    switch (type) {
    case MB2_CMDLINE:
        set_cmdline((const char *)p, n);
        break;
    case MB2_LOADER:
        set_loader((const char *)p, n);
        break;
    case MB2_MODULE:
        if (n >= 8)
            add_module(get32(p), get32(p + 4), (const char *)p + 8, n - 8);
        break;
    case MB2_MMAP:
        mb2_mmap(p, n);
        break;
    case MB2_FB:
        if (n >= 30)
            set_fb(get64(p), get32(p + 8), get32(p + 12), get32(p + 16), p[20],
                   p[21], p + 24);
        break;
    case MB2_EFI64:
        if (n >= 8)
            boot_info.efi_systab = get64(p);
        break;
    case MB2_RSDP1: /* the longer copy wins, whatever the order */
        if (n >= 20 && !boot_info.rsdp_copy[15])
            memcpy(boot_info.rsdp_copy, p, 20);
        break;
    case MB2_RSDP2:
        if (n >= 36)
            memcpy(boot_info.rsdp_copy, p, 36);
        break;
    }
}

/* The payload of the next tag at *p, of which *left bytes remain; or NULL. */
static const uint8_t *mb2_next(const uint8_t **p, uint32_t *left,
                               struct mb2_tag *tag)
{
    const uint8_t *payload = *p + sizeof(*tag);
    uint32_t step;

    if (*left < sizeof(*tag))
        return NULL;
    memcpy(tag, *p, sizeof(*tag));
    if (tag->type == MB2_END || tag->size < sizeof(*tag) || tag->size > *left)
        return NULL;
    step = MIN(ROUND_UP(tag->size, 8u), *left);
    *p += step;
    *left -= step;
    return payload;
}

static void mb2_parse(uint64_t info)
{
    const uint8_t *head = boot_phys(info, 8), *p, *payload;
    struct mb2_tag tag;
    uint32_t total, left;

    total = head ? get32(head) : 0;
    if (total < 8 || !boot_phys(info, total))
        boot_stop("The boot loader's information is out of bounds.");

    p = head + 8;
    left = total - 8;
    while ((payload = mb2_next(&p, &left, &tag)))
        mb2_tag(tag.type, payload, tag.size - sizeof(tag));
    if (boot_info.nr_map)
        return;
    p = head + 8;
    left = total - 8;
    while ((payload = mb2_next(&p, &left, &tag)))
        if (tag.type == MB2_EFI_MMAP)
            mb2_efi_mmap(payload, tag.size - sizeof(tag));
}

void multiboot_parse(uint32_t magic, uint64_t info)
{
    boot_info.loader = loader_name;
    if (magic == MB1_BOOT_MAGIC)
        mb1_parse(info);
    else if (magic == MB2_BOOT_MAGIC)
        mb2_parse(info);
    else
        boot_stop("Started by magic %x: use a Multiboot 1 or 2 loader.", magic);

    if (!boot_info.nr_map)
        boot_stop("The boot loader gave no memory map; use GRUB 2 or QEMU.");
    boot_info.cmdline = without_name(hv_cmdline);
    for (unsigned i = 0; i < boot_info.nr_modules; i++)
        boot_info.module[i].cmdline = without_name(module_cmdline[i]);
}
