#include "boot/internal.h"

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* The type of [start, end), which no range border cuts; 0: in no range. */
static uint32_t type_of(const struct boot_range *map, unsigned nr,
                        uint64_t start, uint64_t end)
{
    uint32_t type = 0;

    for (unsigned i = 0; i < nr; i++)
        if (map[i].start <= start && end <= map[i].end)
            type = MAX(type, map[i].type);
    return type;
}

static void append(struct boot_range *map, unsigned *nr, uint64_t start,
                   uint64_t end, uint32_t type)
{
    if (start >= end || !type)
        return;
    if (*nr && map[*nr - 1].end == start && map[*nr - 1].type == type) {
        map[*nr - 1].end = end;
        return;
    }
    if (*nr == MAX_E820) {
        log_warn("memory map: too long, %lx-%lx is not used\n", start, end);
        return;
    }
    map[(*nr)++] = (struct boot_range){start, end, type};
}

/* RAM counts by whole pages; after pieces that touch have been joined. */
static void cut_to_pages(struct boot_range *map, unsigned *nr)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < *nr; i++) {
        struct boot_range r = map[i];

        if (r.type == E820_RAM) {
            r.start = ROUND_UP(r.start, PAGE_SIZE);
            r.end &= PAGE_MASK;
        }
        if (r.start < r.end)
            map[kept++] = r;
    }
    *nr = kept;
}

void boot_map_tidy(struct boot_range *map, unsigned *nr, uint64_t ram_limit)
{
    static INIT_DATA struct boot_range in[MAX_E820];
    static INIT_DATA uint64_t border[2 * MAX_E820 + 1];
    unsigned nr_in = *nr, nr_border = 0;

    memcpy(in, map, nr_in * sizeof(*in));
    for (unsigned i = 0; i < nr_in; i++) {
        border[nr_border++] = in[i].start;
        border[nr_border++] = in[i].end;
    }
    border[nr_border++] = ram_limit;
    sort_array(border, nr_border, sizeof(*border), compare_u64);

    *nr = 0;
    for (unsigned i = 0; i + 1 < nr_border; i++) {
        uint32_t type = type_of(in, nr_in, border[i], border[i + 1]);

        if (type == E820_RAM && border[i] >= ram_limit)
            type = E820_UNUSABLE;
        append(map, nr, border[i], border[i + 1], type);
    }
    cut_to_pages(map, nr);
}
