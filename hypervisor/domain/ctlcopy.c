#include "domain/ctl.h"
#include "mm/guestcopy.h"

#define MAX_BITMAP_BITS (1u << 16)

int ctl_bitmap_in(uint64_t *word, const struct xenctl_bitmap *map)
{
    size_t bytes = MIN(DIV_ROUND_UP((uint64_t)map->nr_bits, 8), sizeof(*word));

    *word = 0;
    if (copy_from_guest(word, map->bitmap.p, bytes))
        return -EFAULT;
    if (map->nr_bits < 64)
        *word &= (1ull << map->nr_bits) - 1;
    return 0;
}

int ctl_bitmap_out(const struct xenctl_bitmap *map, uint64_t word)
{
    size_t bytes = DIV_ROUND_UP((uint64_t)map->nr_bits, 8);
    size_t copied = MIN(bytes, sizeof(word));

    if (map->nr_bits > MAX_BITMAP_BITS)
        return -EINVAL;
    if (map->nr_bits < 64)
        word &= (1ull << map->nr_bits) - 1;
    if (copy_to_guest(map->bitmap.p, &word, copied))
        return -EFAULT;
    if (bytes > copied && clear_guest(map->bitmap.p + copied, bytes - copied))
        return -EFAULT;
    return 0;
}
