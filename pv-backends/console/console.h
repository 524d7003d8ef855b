/*
 * One guest's console: its ring on one side, scrollback, log, socket and pty on
 * the other. All that lies in /run and the store is found again by a successor.
 */
#ifndef PARAVANE_CONSOLE_CONSOLE_H
#define PARAVANE_CONSOLE_CONSOLE_H

#include <stdint.h>

struct console;
struct loop;

struct console_dirs {
    const char *sockets, *logs;
    int group; /* who may connect, beside root; -1 nobody */
};

/*
 * The console of `domid`, not connected yet; `name` is for its log. NULL when
 * out of memory.
 */
struct console *console_new(struct loop *loop, const struct console_dirs *dirs,
                            uint32_t domid, const char *name);

/* What the guest has said to the end is kept; its socket goes. */
void console_free(struct console *c);

/* The process ends but the guest goes on: leave the socket's path alone. */
void console_leave(struct console *c);

/*
 * Look at the store and connect, or connect anew when ring or channel have
 * changed. Does nothing while the nodes are not there.
 */
void console_look(struct console *c);

/* The log may have been renamed. */
void console_reopen_log(struct console *c);

#endif
