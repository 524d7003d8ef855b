/*
 * flood FOLDER DOMID: a guest of fake-xen.c that asks as fast as its ring lets
 * it, and reads each reply, until it is killed.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

static struct xenstore_domain_interface *ring;
static int events;

static int open_in(const char *folder, const char *name, const char *domid)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/%s%s", folder, name, domid);
    fd = open(path, O_RDWR);
    if (fd < 0)
        exit(1);
    return fd;
}

/* As many requests as fit. Whether there was room for any. */
static int ask(const char *request, uint32_t len)
{
    uint32_t prod = ring->req_prod;
    uint32_t i,
        room = XENSTORE_RING_SIZE -
               (prod - __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE));

    if (room < len)
        return 0;
    for (; room >= len; room -= len)
        for (i = 0; i < len; i++)
            ring->req[MASK_XENSTORE_IDX(prod++)] = request[i];
    __atomic_store_n(&ring->req_prod, prod, __ATOMIC_SEQ_CST);
    return 1;
}

int main(int argc, char **argv)
{
    struct xsd_sockmsg msg = {XS_DIRECTORY, 1, 0, 2};
    char request[sizeof(msg) + 2] = {0};
    uint32_t port;

    if (argc != 3)
        return 2;
    port = (uint32_t)atoi(argv[2]);
    ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
                open_in(argv[1], "ring-", argv[2]), 0);
    events = open_in(argv[1], "events", "");
    memcpy(request, &msg, sizeof(msg));
    request[sizeof(msg)] = '/';
    for (;;) {
        __atomic_store_n(&ring->rsp_cons,
                         __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE),
                         __ATOMIC_RELEASE);
        if (!ask(request, sizeof(request)))
            sched_yield();
        else if (write(events, &port, sizeof(port)) != sizeof(port))
            return 1;
    }
}
