/*
 * Packets of gdb's remote protocol: "$text#checksum". Pure: bytes in, packets
 * out, from a peer that is not trusted to be sane.
 */
#ifndef DOM0_DEBUG_PACKET_H
#define DOM0_DEBUG_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 16384u

enum packet_event {
    PACKET_MORE,      /* nothing whole yet */
    PACKET_WHOLE,     /* `text`, `len` are a packet, ended by a NUL */
    PACKET_BAD,       /* wrong checksum or too long: ask again */
    PACKET_INTERRUPT, /* Ctrl-C */
};

struct packet {
    char text[PACKET_MAX + 1];
    size_t len;
    unsigned int state, sum, given; /* private */
    bool too_long;
};

/* One more byte. After WHOLE and BAD the next begins anew by itself. */
enum packet_event packet_byte(struct packet *p, uint8_t byte);

/* "$text#xx" into `out`, of at least len + 5 bytes; its length. */
size_t packet_frame(const char *text, size_t len, char *out);

/* Hexadecimal digits: -1 for what is none. */
int packet_digit(char c);
/* `size` bytes as 2 * size digits, and a NUL; returns the end. */
char *packet_put_hex(char *to, const void *data, size_t size);
/* Digits to bytes; how many whole bytes there were, at most `size`. */
size_t packet_get_hex(const char *from, void *data, size_t size);
/* A number at *at, which moves behind it; false when there is none. */
bool packet_number(const char **at, uint64_t *value);
/* Binary data with its escapes, in place; the new length. */
size_t packet_unescape(char *data, size_t len);

#endif
