/*
 * Somebody at a console: a connection of the console's socket, or its pty. Slow
 * readers lose bytes (and are told); they never slow the guest down.
 */
#ifndef PARAVANE_CONSOLE_CLIENT_H
#define PARAVANE_CONSOLE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct bufferevent;
struct event_base;

struct client {
    LIST_ENTRY(client) link;
    struct bufferevent *bev;
    bool is_pty, closing;
    size_t lost_bytes;
    /* Bytes typed: how many were taken; the rest is offered again. */
    size_t (*typed)(void *arg, const char *buf, size_t n);
    void *arg;
};
LIST_HEAD(client_list, client);

/* Takes `fd` over and joins `list`. NULL when out of memory (fd closed). */
struct client *client_new(struct client_list *list, struct event_base *base,
                          int fd, bool is_pty,
                          size_t (*typed)(void *arg, const char *buf, size_t n),
                          void *arg);

/* At once. */
void client_free(struct client *c);

/* Out of its list now, and gone when what waits for it is written, or after a
 * second. */
void client_finish(struct client *c);

void client_write(struct client *c, const char *buf, size_t n);

/* There is room again for what was typed. */
void client_resume(struct client *c);

#endif
