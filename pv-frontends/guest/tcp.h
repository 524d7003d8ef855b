/* What the programs over TCP share. */
#ifndef PARAVANE_GUEST_TCP_H
#define PARAVANE_GUEST_TCP_H

#include "pv-frontends/guest/ip.h"

#include <lwip/tcp.h>

enum { MAX_STREAMS = 16 };

/* The first card, by the options ip= and so on. 0 or program_fail(). */
int tcp_card_open(void);
/* What its options say; for the line that says that we are ready. */
const uint8_t *tcp_own_address(void);

/*
 * What a source sends: its byte number n is n % 251. pattern_send() gives lwIP
 * what it takes, from byte *sent on.
 */
int pattern_make(void);
void pattern_send(struct tcp_pcb *pcb, uint64_t *sent);
bool pattern_is_at(uint64_t at, const uint8_t *data, size_t size);

#endif
