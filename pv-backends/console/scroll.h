/*
 * A guest's scrollback: its last 64 KiB, in a shared mapping of a file under
 * /run, so that it outlives this process.
 */
#ifndef PARAVANE_CONSOLE_SCROLL_H
#define PARAVANE_CONSOLE_SCROLL_H

#include <stddef.h>
#include <stdint.h>

enum { SCROLL_BYTES = 65536 };

struct scroll_file {
    uint64_t magic;
    uint64_t total; /* bytes ever added */
    char ring[SCROLL_BYTES];
};

struct scroll {
    struct scroll_file *file;
};

/* What is there is kept, unless it is damaged. 0 or -errno. */
int scroll_open(struct scroll *s, const char *path);
void scroll_close(struct scroll *s);

void scroll_add(struct scroll *s, const char *buf, size_t n);

/* The kept bytes, oldest first, as up to two pieces. */
struct scroll_piece {
    const char *bytes;
    size_t n;
};
void scroll_pieces(const struct scroll *s, struct scroll_piece pieces[2]);

#endif
