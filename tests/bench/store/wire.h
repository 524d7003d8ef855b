/* A client of a store daemon, as plain as can be: bytes out, bytes in. */
#ifndef BENCH_STORE_WIRE_H
#define BENCH_STORE_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

#define REPLY_BYTES (XENSTORE_PAYLOAD_MAX + 1)

double now(void); /* seconds */
void die(const char *what) __attribute__((noreturn));

/* A socket or the kernel's device. */
int wire_connect(const char *path);

/* A message at `out`; its length. */
size_t wire_pack(char *out, uint32_t type, uint32_t tx, const char *payload,
                 size_t len);
void wire_send(int fd, const char *bytes, size_t len);

/* A message of any kind: its payload with a NUL behind it. */
uint32_t wire_take(int fd, char *payload, size_t *len);

/* A reply; events on the way are skipped. Its length, or -1 for an error. */
int wire_take_reply(int fd, char *payload);

/* Ask and take the reply, whose payload may not be wanted (NULL). */
int wire_ask(int fd, uint32_t type, uint32_t tx, const char *payload,
             size_t len, char *reply);
int wire_ask_path(int fd, uint32_t type, uint32_t tx, const char *path);
int wire_write(int fd, uint32_t tx, const char *path, const char *value);
uint32_t wire_start(int fd);
int wire_end(int fd, uint32_t tx, const char *how);

#endif
