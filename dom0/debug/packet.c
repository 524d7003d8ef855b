#include "dom0/debug/packet.h"

enum { IDLE, TEXT, SUM_HIGH, SUM_LOW };
enum { INTERRUPT = 3, ESCAPE = '}', ESCAPED = 0x20 };

int packet_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum packet_event idle(struct packet *p, uint8_t byte)
{
    if (byte == INTERRUPT)
        return PACKET_INTERRUPT;
    if (byte == '$') {
        p->state = TEXT;
        p->len = p->sum = 0;
        p->too_long = false;
    }
    /* Acknowledgements and noise. */
    return PACKET_MORE;
}

static enum packet_event text(struct packet *p, uint8_t byte)
{
    if (byte == '#') {
        p->state = SUM_HIGH;
        return PACKET_MORE;
    }
    p->sum += byte;
    if (p->len == PACKET_MAX)
        p->too_long = true;
    else
        p->text[p->len++] = (char)byte;
    return PACKET_MORE;
}

enum packet_event packet_byte(struct packet *p, uint8_t byte)
{
    int digit = packet_digit((char)byte);

    switch (p->state) {
    case TEXT:
        return text(p, byte);
    case SUM_HIGH:
        p->given = (unsigned int)digit << 4;
        p->state = digit < 0 ? IDLE : SUM_LOW;
        return digit < 0 ? PACKET_BAD : PACKET_MORE;
    case SUM_LOW:
        p->state = IDLE;
        p->text[p->len] = 0;
        if (digit < 0 || p->too_long ||
            (p->given | (unsigned int)digit) != (p->sum & 0xff))
            return PACKET_BAD;
        return PACKET_WHOLE;
    default:
        return idle(p, byte);
    }
}

size_t packet_frame(const char *from, size_t len, char *out)
{
    unsigned int sum = 0;
    uint8_t last;
    char *to = out;

    *to++ = '$';
    for (size_t i = 0; i < len; i++) {
        sum += (uint8_t)from[i];
        *to++ = from[i];
    }
    *to++ = '#';
    last = (uint8_t)sum;
    to = packet_put_hex(to, &last, 1);
    return (size_t)(to - out);
}

char *packet_put_hex(char *to, const void *data, size_t size)
{
    const uint8_t *from = data;

    for (size_t i = 0; i < size; i++) {
        *to++ = "0123456789abcdef"[from[i] >> 4];
        *to++ = "0123456789abcdef"[from[i] & 15];
    }
    *to = 0;
    return to;
}

size_t packet_get_hex(const char *from, void *data, size_t size)
{
    uint8_t *to = data;
    size_t n = 0;

    for (; n < size; n++, from += 2) {
        int high = packet_digit(from[0]);
        int low = high < 0 ? -1 : packet_digit(from[1]);

        if (low < 0)
            break;
        to[n] = (uint8_t)(high << 4 | low);
    }
    return n;
}

bool packet_number(const char **at, uint64_t *value)
{
    uint64_t n = 0;
    int digit;
    unsigned int nr = 0;

    for (; (digit = packet_digit(**at)) >= 0 && nr < 16; (*at)++, nr++)
        n = n << 4 | (unsigned int)digit;
    *value = n;
    return nr;
}

size_t packet_unescape(char *data, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (data[i] == ESCAPE && i + 1 < len)
            data[n++] = (char)(data[++i] ^ ESCAPED);
        else
            data[n++] = data[i];
    }
    return n;
}
