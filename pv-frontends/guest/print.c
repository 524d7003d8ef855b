#include "pv-frontends/core/consfront.h"
#include "pv-frontends/core/text.h"
#include "pv-frontends/guest/guest.h"

#include <xen/io/console.h>

static void pad(struct text *t, size_t len, unsigned int width, char with)
{
    const char one[2] = {with, 0};

    for (; len < width; len++)
        text_str(t, one);
}

static void number(struct text *t, uint64_t n, bool hex, bool minus,
                   unsigned int width, char with)
{
    char digits[24];
    struct text d = text_in(digits, sizeof(digits));

    if (hex)
        text_hex(&d, n);
    else
        text_uint(&d, n);
    if (minus)
        text_str(t, "-");
    pad(t, d.len + minus, width, with);
    text_str(t, digits);
}

static void string(struct text *t, const char *s, unsigned int width)
{
    text_str(t, s);
    pad(t, strlen(s), width, ' ');
}

size_t format_args(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct text t = text_in(buf, size);

    for (; *fmt; fmt++) {
        char one[2] = {*fmt, 0}, with = ' ';
        unsigned int width = 0;
        bool is_long = false;
        int64_t n;

        if (*fmt != '%') {
            text_str(&t, one);
            continue;
        }
        if (*++fmt == '0')
            with = *fmt++;
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = width * 10 + (unsigned int)(*fmt - '0');
        for (; *fmt == 'l'; fmt++)
            is_long = true;
        switch (*fmt) {
        case 'c':
            one[0] = (char)va_arg(ap, int);
            text_str(&t, one);
            break;
        case 's':
            string(&t, va_arg(ap, const char *), width);
            break;
        case 'd':
            n = is_long ? va_arg(ap, int64_t) : va_arg(ap, int);
            number(&t, n < 0 ? -(uint64_t)n : (uint64_t)n, false, n < 0, width,
                   with);
            break;
        case 'u':
        case 'x':
            number(&t, is_long ? va_arg(ap, uint64_t) : va_arg(ap, uint32_t),
                   *fmt == 'x', false, width, with);
            break;
        default:
            one[0] = *fmt;
            text_str(&t, one);
        }
    }
    return t.len;
}

size_t format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    n = format_args(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

void print(const char *fmt, ...)
{
    char line[256];
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    n = format_args(line, sizeof(line), fmt, ap);
    va_end(ap);
    cons_write_all(line, n);
}
