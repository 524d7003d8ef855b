/*
 * Our console: serial port, or VGA text / framebuffer without one; the log
 * ring that XEN_SYSCTL_readconsole reads; panic.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "lib/lib.h"

void console_init_early(void); /* com1 at its default, before anything else */
void console_init(void);       /* options console=, com1=, com2=, vga= */
/* Boot: the page tables change (off), the frame buffer can be mapped (on). */
void console_screen(bool on);
void console_init_irq(void); /* interrupt-driven input, after irq_init() */
/* Raw bytes to the console device(s), no log ring. */
void console_write(const char *s, size_t n);
/* dom0's CONSOLEIO_read; number of bytes. */
size_t console_read(char *buf, size_t n);
/* Stop using buffers and locks: the machine is dying. */
void console_force(void);
/* The first I/O port (of eight) of the serial port we use; 0: none. dom0 must
   not have it. */
uint16_t console_serial_port(void);
/* From now on input is kept for dom0, and the screen is dom0's. Called by
   console_init_irq(). */
void console_give_input(void);

/* log.c: copy of the ring from *index on; returns bytes, updates *index. */
size_t log_read(char *buf, size_t n, uint32_t *index, bool clear);
void log_set_levels(const char *loglvl, const char *guest_loglvl);

/* vga.c, what the loader told us of the screen; video_type of dom0's. */
struct dom0_vga_console_info;
/* Fill dom0's view of the screen; false when there is none. */
bool console_vga_info(struct dom0_vga_console_info *info);

/* symbols.c: "name+0xoff" of an address in our text. */
void symbol_format(uintptr_t addr, char *buf, size_t n);

/* panic.c: who called whom, from frame pointer `fp` of this CPU's stacks on. */
void backtrace_print(uintptr_t fp);

#endif
