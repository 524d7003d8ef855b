/* What the files of console/ share among themselves. */
#ifndef CONSOLE_INTERNAL_H
#define CONSOLE_INTERNAL_H

#include "console/console.h"
#include "lib/spinlock.h"

/* The lock of the devices, and of the log ring; forced() ignores both. */
void console_lock(struct spinlock *l);
void console_unlock(struct spinlock *l);

/*
 * serial.c: port `nr` (0: com1) by the option's text ("" for the default);
 * false when there is no such port. One port is in use at a time.
 */
bool serial_init(unsigned nr, const char *option);
void serial_write(const char *s, size_t n);
uint16_t serial_port(void); /* 0: it has died */
/* Deliver what arrives to console_input(), by interrupt if possible. */
void serial_init_input(void);
/* console.c: a byte came in; console_input_done() tells dom0. */
void console_input(char c);
void console_input_done(void);

/* vga.c: the text screen or the loader's frame buffer. */
void vga_init(void);
void vga_write(const char *s, size_t n);
void vga_suspend(void); /* the tables change */
void vga_resume(void);  /* map the frame buffer again */

/* font.c: columns of 5 x 7 dots from ' ' to '~', lowest bit on top. */
#define FONT_FIRST ' '
#define FONT_LAST  '~'
extern const uint8_t font[][5];

#endif
