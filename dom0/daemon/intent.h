/*
 * What is being done to which guest, written down before it begins and removed
 * when it is over. A pvnd that starts finds here what the last one did not
 * finish: recover.c finishes it or rolls it back.
 */
#ifndef DAEMON_INTENT_H
#define DAEMON_INTENT_H

#include "dom0/daemon/daemon.h"

enum intent_op {
    INTENT_CREATE,  /* roll back: nobody was told that it is there */
    INTENT_DESTROY, /* finish */
    INTENT_RESTART, /* finish: take down what is left, start it again */
    INTENT_DEVICE   /* attaching or detaching one: finish by removing it */
};

int intent_begin(struct daemon *d, const struct guest *g, enum intent_op op);
/* `vbd`: a disk, else a network card. */
int intent_begin_device(struct daemon *d, const struct guest *g, bool vbd,
                        uint32_t devid);
void intent_end(struct daemon *d, const struct guest *g);

/* One record of an earlier life; -EINVAL when it makes no sense. */
struct intent {
    enum intent_op op;
    char name[256];
    uint8_t uuid[16];
    bool vbd;
    uint32_t devid;
};
int intent_read(struct intent *i, const json_t *o);

#endif
