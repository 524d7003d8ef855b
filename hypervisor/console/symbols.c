#include "console/console.h"

#include "boot/internal.h"

/* Made by symtab.awk: ascending offsets from symtab_base, and their names. */
extern const uint32_t symtab_nr, symtab_address[], symtab_name[];
extern const uint64_t symtab_base;
extern const char symtab_text[];

static bool in_text(uintptr_t addr)
{
    return addr >= (uintptr_t)image_start && addr < (uintptr_t)init_text_end;
}

void symbol_format(uintptr_t addr, char *buf, size_t n)
{
    uint32_t lo = 0, hi = symtab_nr;

    /* The last symbol at or below: lo - 1 in the end. */
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (symtab_base + symtab_address[mid] <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (!lo || !in_text(addr))
        fmt_snprintf(buf, n, "%016lx", addr);
    else
        fmt_snprintf(buf, n, "%016lx %s+%#lx", addr,
                     symtab_text + symtab_name[lo - 1],
                     addr - symtab_base - symtab_address[lo - 1]);
}
