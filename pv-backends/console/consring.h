/*
 * The console's shared page. Its indices are the guest's to write: each is read
 * once and believed only within the ring's size. Pure.
 */
#ifndef PARAVANE_CONSOLE_CONSRING_H
#define PARAVANE_CONSOLE_CONSRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/console.h>

/*
 * Up to `max` bytes the guest has written, without consuming them. How many;
 * 0 also when the indices are impossible.
 */
size_t consring_peek(const struct xencons_interface *page, char *buf,
                     size_t max);

/* They are safely kept: give the room back to the guest. */
void consring_consume(struct xencons_interface *page, size_t n);

/* Bytes for the guest; how many fitted. */
size_t consring_write(struct xencons_interface *page, const char *buf,
                      size_t n);

#endif
