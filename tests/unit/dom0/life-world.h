/*
 * A guest's life over a fake hypervisor, a fake store and fake backends: what
 * the tests of it share (test_life*.c).
 */
#ifndef TESTS_LIFE_WORLD_H
#define TESTS_LIFE_WORLD_H

#include "dom0/daemon/daemon.h"

#include <stdbool.h>
#include <stdint.h>

struct world {
    struct daemon d;
    char dir[64], dumps[80];
    uint64_t free_pages;
};

extern unsigned life_backends; /* bit n: the block backend of domain n runs */
extern bool life_have_bridge;  /* xenbr0 is there */
extern int life_dump_rc;       /* what becomes of a dump */

/* cmocka's: a world in *state, with a kernel and a disk, and its end. */
int life_setup(void **state);
int life_teardown(void **state);

/* What a new pvnd has: nothing but the files. */
void life_come_up(struct world *w);
void life_go_down(struct world *w);

/* How many files there are in a folder of its own. */
unsigned life_files(struct world *w, const char *sub);
/* No domain, page, node, backend, record. */
bool life_nothing_left(struct world *w);

/* "g", with a disk, a card, and what `more` says. */
struct guest *life_configured(struct world *w, const char *more);
/* As the methods do it; the first takes g over. */
int life_create(struct world *w, struct guest *g, struct fault *f);
int life_destroy(struct world *w);

void life_backends_fail(void); /* for xs_fake_after */

#endif
