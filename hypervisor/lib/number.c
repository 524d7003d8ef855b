#include "lib/lib.h"

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20;
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 10;
    return 255;
}

uint64_t parse_u64(const char *s, const char **end, unsigned base)
{
    uint64_t v = 0;
    bool hex = s[0] == '0' && (s[1] | 0x20) == 'x' && digit(s[2]) < 16;

    if (hex && (base == 0 || base == 16)) {
        s += 2;
        base = 16;
    } else if (base == 0) {
        base = s[0] == '0' ? 8 : 10;
    }
    for (; digit(*s) < base; s++)
        if (__builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, digit(*s), &v))
            v = UINT64_MAX; /* saturates: times the base overflows again */
    if (end)
        *end = s;
    return v;
}

uint64_t parse_size(const char *s, const char **end)
{
    const char *p;
    uint64_t v = parse_u64(s, &p, 0);
    unsigned shift = 10;

    if (p != s) {
        static const char suffix[] = "bkmgt";
        const char *at = *p ? strchr(suffix, *p | 0x20) : NULL;

        if (at) {
            shift = 10 * (unsigned)(at - suffix);
            p++;
        }
    }
    if (end)
        *end = p;
    return v > UINT64_MAX >> shift ? UINT64_MAX : v << shift;
}
