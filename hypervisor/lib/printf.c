#include "lib/lib.h"

struct out {
    char *buf;
    size_t size, pos; /* pos counts what a large enough buffer would hold */
};

struct spec {
    bool left, zero, plus, alt, upper, is_signed;
    int width, precision; /* precision < 0: none given */
    unsigned base;
};

static void put(struct out *o, char c)
{
    if (o->pos + 1 < o->size)
        o->buf[o->pos] = c;
    o->pos++;
}

static void pad(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

static void put_string(struct out *o, const struct spec *f, const char *s)
{
    size_t max = f->precision >= 0 ? (size_t)f->precision : SIZE_MAX;
    int n;

    if (!s)
        s = "(null)";
    n = (int)strnlen(s, max);
    if (!f->left)
        pad(o, ' ', f->width - n);
    for (int i = 0; i < n; i++)
        put(o, s[i]);
    if (f->left)
        pad(o, ' ', f->width - n);
}

/* The sign or base prefix, at most two characters. */
static const char *prefix(const struct spec *f, uint64_t v, bool negative)
{
    if (negative)
        return "-";
    if (f->is_signed && f->plus)
        return "+";
    if (f->alt && f->base == 16 && v)
        return f->upper ? "0X" : "0x";
    return "";
}

static void put_number(struct out *o, const struct spec *f, uint64_t v)
{
    const char *digits = f->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    bool negative = f->is_signed && (int64_t)v < 0;
    const char *pre = prefix(f, v, negative);
    char tmp[24];
    int n = 0, zeros, fill;

    if (negative)
        v = -v;
    for (; v; v /= f->base)
        tmp[n++] = digits[v % f->base];
    if (!n && f->precision != 0)
        tmp[n++] = '0';

    zeros = MAX(f->precision - n, 0);
    if (f->alt && f->base == 8 && !zeros && (!n || tmp[n - 1] != '0'))
        zeros = 1;
    fill = f->width - n - zeros - (int)strlen(pre);
    if (f->zero && !f->left && f->precision < 0) {
        zeros += MAX(fill, 0);
        fill = 0;
    }
    if (!f->left)
        pad(o, ' ', fill);
    while (*pre)
        put(o, *pre++);
    pad(o, '0', zeros);
    while (n)
        put(o, tmp[--n]);
    if (f->left)
        pad(o, ' ', fill);
}

static const char *parse_flags(const char *p, struct spec *f)
{
    for (;; p++) {
        if (*p == '-')
            f->left = true;
        else if (*p == '0')
            f->zero = true;
        else if (*p == '+')
            f->plus = true;
        else if (*p == '#')
            f->alt = true;
        else
            return p;
    }
}

/* Digits; a `*` is the caller's. Large values saturate, nothing overflows. */
static const char *parse_count(const char *p, int *n)
{
    for (*n = 0; *p >= '0' && *p <= '9'; p++)
        if (*n < 10000)
            *n = *n * 10 + (*p - '0');
    return p;
}

static uint64_t narrow(uint64_t v, int size, bool is_signed)
{
    int drop = 64 - 8 * size;

    return is_signed ? (uint64_t)((int64_t)(v << drop) >> drop)
                     : v << drop >> drop;
}

int fmt_vsnprintf(char *buf, size_t size, const char *p, va_list ap)
{
    struct out o = {buf, size, 0};

    for (; *p; p++) {
        struct spec f = {.precision = -1, .base = 10};
        int bytes = sizeof(int);
        uint64_t v;

        if (*p != '%') {
            put(&o, *p);
            continue;
        }
        p = parse_flags(p + 1, &f);
        if (*p == '*') {
            f.width = va_arg(ap, int);
            p++;
            if (f.width < 0) {
                f.left = true;
                f.width = -f.width;
            }
        } else {
            p = parse_count(p, &f.width);
        }
        if (*p == '.' && p[1] == '*') {
            f.precision = va_arg(ap, int);
            p += 2;
        } else if (*p == '.') {
            p = parse_count(p + 1, &f.precision);
        }
        if (*p == 'z') {
            bytes = sizeof(size_t);
            p++;
        }
        for (; *p == 'l'; p++)
            bytes = 8;
        for (; *p == 'h'; p++)
            bytes /= 2;

        switch (*p) {
        case 'd':
        case 'i':
            f.is_signed = true;
            break;
        case 'u':
            break;
        case 'X':
            f.upper = true;
            f.base = 16;
            break;
        case 'x':
            f.base = 16;
            break;
        case 'o':
            f.base = 8;
            break;
        case 'p':
            f.alt = true;
            f.base = 16;
            bytes = 8;
            break;
        case 'c':
            put_string(&o, &f, (char[]){(char)va_arg(ap, int), 0});
            continue;
        case 's':
            put_string(&o, &f, va_arg(ap, const char *));
            continue;
        case '%':
            put(&o, '%');
            continue;
        default: /* not ours: show it, and stop reading arguments */
            put(&o, '%');
            if (!*p)
                goto done;
            put(&o, *p);
            continue;
        }
        v = bytes == 8 ? va_arg(ap, uint64_t) : va_arg(ap, unsigned);
        put_number(&o, &f, narrow(v, bytes, f.is_signed));
    }
done:
    if (size)
        buf[MIN(o.pos, size - 1)] = 0;
    return (int)o.pos;
}

int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = fmt_vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
