/* A printf for verdict lines. */
#include "guest.h"

struct out {
    char *buf;
    size_t size, len;
};

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size)
        o->buf[o->len] = c;
    o->len++;
}

static void put_number(struct out *o, uint64_t n, unsigned int base, bool minus,
                       int width, char pad)
{
    char digits[24];
    int len = 0;

    do {
        digits[len++] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n);
    if (minus)
        digits[len++] = '-';
    for (; width > len; width--)
        put(o, pad);
    while (len)
        put(o, digits[--len]);
}

static void put_string(struct out *o, const char *s, int width)
{
    int len = (int)strlen(s);

    while (*s)
        put(o, *s++);
    for (; width > len; width--)
        put(o, ' ');
}

size_t format(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = {buf, size, 0};

    for (; *fmt; fmt++) {
        char pad = ' ';
        int width = 0;
        bool is_long = false;
        int64_t n;

        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        if (*++fmt == '0')
            pad = *fmt++;
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = width * 10 + *fmt - '0';
        for (; *fmt == 'l'; fmt++)
            is_long = true;
        switch (*fmt) {
        case 'c':
            put(&o, (char)va_arg(ap, int));
            break;
        case 's':
            put_string(&o, va_arg(ap, const char *), width);
            break;
        case 'd':
            n = is_long ? va_arg(ap, int64_t) : va_arg(ap, int);
            put_number(&o, n < 0 ? -(uint64_t)n : (uint64_t)n, 10, n < 0, width,
                       pad);
            break;
        case 'u':
        case 'x':
            put_number(&o,
                       is_long ? va_arg(ap, uint64_t) : va_arg(ap, uint32_t),
                       *fmt == 'u' ? 10 : 16, false, width, pad);
            break;
        case 'p':
            put_number(&o, va_arg(ap, uint64_t), 16, false, width, pad);
            break;
        default:
            put(&o, *fmt);
        }
    }
    if (size)
        buf[o.len < size ? o.len : size - 1] = 0;
    return o.len;
}
