#include "lib/bitmap.h"

/* First bit at or after `from` in the words of `map` XORed with `flip`. */
static size_t find(const uint64_t *map, size_t nr, size_t from, uint64_t flip)
{
    uint64_t ignore = ~0ull << (from % 64);

    for (size_t w = from / 64; from < nr && w < BITS_TO_WORDS(nr); w++) {
        uint64_t bits = (READ_ONCE(map[w]) ^ flip) & ignore;

        if (bits)
            return MIN(w * 64 + (size_t)__builtin_ctzll(bits), nr);
        ignore = ~0ull;
    }
    return nr;
}

size_t bitmap_find_set(const uint64_t *map, size_t nr, size_t from)
{
    return find(map, nr, from, 0);
}

size_t bitmap_find_clear(const uint64_t *map, size_t nr, size_t from)
{
    return find(map, nr, from, ~0ull);
}

/* Ones in a word by adding neighbours; the builtin may want libgcc. */
static unsigned weight(uint64_t v)
{
    v -= v >> 1 & 0x5555555555555555ull;
    v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (unsigned)(v * 0x0101010101010101ull >> 56);
}

size_t bitmap_weight(const uint64_t *map, size_t nr)
{
    size_t n = 0;

    for (size_t w = 0; w < nr / 64; w++)
        n += weight(map[w]);
    if (nr % 64)
        n += weight(map[nr / 64] & ((1ull << nr % 64) - 1));
    return n;
}
