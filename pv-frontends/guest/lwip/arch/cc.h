/* The compiler and the kernel around lwIP. On the host it is only tested. */
#ifndef PARAVANE_GUEST_LWIP_CC_H
#define PARAVANE_GUEST_LWIP_CC_H

#include <stdint.h>

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_LIMITS_H   (!__STDC_HOSTED__)
#define LWIP_NO_CTYPE_H    1

#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)

#define LWIP_CHKSUM_ALGORITHM 3

#define LWIP_PLATFORM_DIAG(x)   ((void)0)
#define LWIP_PLATFORM_ASSERT(x) ip_assert(x)
#define LWIP_RAND()             ip_random()

/* ip.c: lwIP found itself in a state that cannot be. */
void ip_assert(const char *why) __attribute__((noreturn));
uint32_t ip_random(void);

#endif
