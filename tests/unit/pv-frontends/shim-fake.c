#include "tests/unit/pv-frontends/shim-fake.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/core/evtchn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sanitizer/asan_interface.h>

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>

enum {
    NR_PAGES = 4096,
    FIRST_FRAME = 5000,
    TABLE_FRAME = 100,
    TABLE_FRAMES = 8,
    NR_PORTS = 64,
    STORE_PORT = 1,
    CONSOLE_PORT = 2,
    NR_NODES = 256,
    NR_WATCHES = 32,
};

/* ---- pages ----------------------------------------------------------------
 */

static uint8_t arena[NR_PAGES][4096] __attribute__((aligned(4096)));
static bool taken[NR_PAGES], detached[NR_PAGES];
static int pages_left;
static grant_entry_v1_t table[TABLE_FRAMES * 512];
unsigned int fake_ballooned;

static bool run_is_free(unsigned int at, unsigned int nr)
{
    for (unsigned int i = 0; i < nr; i++)
        if (at + i >= NR_PAGES || taken[at + i])
            return false;
    return true;
}

void *shim_pages_alloc(unsigned int nr)
{
    if (!pages_left)
        return NULL;
    if (pages_left > 0)
        pages_left--;
    for (unsigned int at = 0; at < NR_PAGES; at++) {
        if (!run_is_free(at, nr))
            continue;
        memset(&taken[at], 1, nr);
        ASAN_UNPOISON_MEMORY_REGION(arena[at], nr * 4096);
        return memset(arena[at], 0, nr * 4096);
    }
    return NULL;
}

static unsigned int page_index(const void *page)
{
    size_t at = (size_t)((const uint8_t *)page - arena[0]);

    if (at >= sizeof(arena) || at % 4096)
        abort();
    return (unsigned int)(at / 4096);
}

void shim_pages_free(void *pages, unsigned int nr)
{
    unsigned int at = page_index(pages);

    for (unsigned int i = 0; i < nr; i++) {
        if (!taken[at + i])
            abort(); /* freed twice */
        taken[at + i] = false;
    }
    ASAN_POISON_MEMORY_REGION(pages, nr * 4096);
}

unsigned int fake_pages_in_use(void)
{
    unsigned int nr = 0;

    for (unsigned int i = 0; i < NR_PAGES; i++)
        nr += taken[i];
    return nr;
}

void fake_pages_limit(int nr)
{
    pages_left = nr;
}

uint64_t shim_frame(const void *page)
{
    return FIRST_FRAME + page_index(page);
}

uint64_t shim_pfn(const void *page)
{
    return page_index(page);
}

int shim_page_detach(void *page, uint64_t *frame)
{
    detached[page_index(page)] = true;
    *frame = shim_frame(page);
    return 0;
}

int shim_page_attach(void *page, uint64_t frame)
{
    if (!detached[page_index(page)] || frame < FIRST_FRAME)
        abort();
    detached[page_index(page)] = false;
    return 0;
}

void *shim_map_frames(const uint64_t *frames, unsigned int nr)
{
    for (unsigned int i = 0; i < nr; i++)
        if (frames[i] != TABLE_FRAME + i)
            abort();
    return table;
}

void *fake_grant_map(grant_ref_t ref, bool write)
{
    grant_entry_v1_t *e;

    if (ref >= ARRAY_SIZE(table))
        return NULL;
    e = &table[ref];
    if (!(e->flags & GTF_permit_access) || e->domid != 0 ||
        (write && (e->flags & GTF_readonly)) || e->frame < FIRST_FRAME ||
        e->frame >= FIRST_FRAME + NR_PAGES || !taken[e->frame - FIRST_FRAME])
        return NULL;
    return arena[e->frame - FIRST_FRAME];
}

void fake_grant_hold(grant_ref_t ref, bool hold)
{
    if (hold)
        table[ref].flags |= GTF_reading;
    else
        table[ref].flags &= (uint16_t)~GTF_reading;
}

unsigned int fake_grants_live(void)
{
    unsigned int nr = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(table); i++)
        nr += table[i].flags != 0;
    return nr;
}

/* ---- event channels -------------------------------------------------------
 */

static struct shared_info shared;
static struct {
    bool open;
    unsigned int sends;
} ports[NR_PORTS];

struct shared_info *shim_shared_info(void)
{
    return &shared;
}

unsigned int fake_sends(unsigned int port)
{
    return ports[port].sends;
}

void fake_raise(unsigned int port)
{
    struct vcpu_info *v = &shared.vcpu_info[0];

    shared.evtchn_pending[port / 64] |= 1ul << port % 64;
    if (shared.evtchn_mask[port / 64] & 1ul << port % 64)
        return;
    v->evtchn_pending_sel |= 1ul << port / 64;
    v->evtchn_upcall_pending = 1;
    evtchn_upcall(0);
}

static int port_open(evtchn_port_t *port)
{
    for (evtchn_port_t i = 3; i < NR_PORTS; i++) {
        if (ports[i].open)
            continue;
        ports[i].open = true;
        ports[i].sends = 0;
        *port = i;
        return 0;
    }
    return -XEN_ENOSPC;
}

static void store_turn(void);

static int event_channel_op(unsigned int cmd, void *arg)
{
    evtchn_port_t port;

    switch (cmd) {
    case EVTCHNOP_alloc_unbound:
        return port_open(&((struct evtchn_alloc_unbound *)arg)->port);
    case EVTCHNOP_bind_virq:
        return port_open(&((struct evtchn_bind_virq *)arg)->port);
    case EVTCHNOP_bind_ipi:
        return port_open(&((struct evtchn_bind_ipi *)arg)->port);
    case EVTCHNOP_close:
        port = ((struct evtchn_close *)arg)->port;
        if (port >= NR_PORTS || !ports[port].open)
            abort();
        ports[port].open = false;
        return 0;
    case EVTCHNOP_unmask:
        port = ((struct evtchn_unmask *)arg)->port;
        shared.evtchn_mask[port / 64] &= ~(1ul << port % 64);
        return 0;
    case EVTCHNOP_bind_vcpu:
        return 0;
    case EVTCHNOP_send:
        port = ((struct evtchn_send *)arg)->port;
        if (port >= NR_PORTS || !ports[port].open)
            abort();
        ports[port].sends++;
        if (port == STORE_PORT)
            store_turn();
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}

static int grant_table_op(unsigned int cmd, void *arg)
{
    struct gnttab_setup_table *setup = arg;
    struct gnttab_query_size *query = arg;

    switch (cmd) {
    case GNTTABOP_query_size:
        query->max_nr_frames = TABLE_FRAMES;
        query->status = GNTST_okay;
        return 0;
    case GNTTABOP_setup_table:
        for (unsigned int i = 0; i < setup->nr_frames; i++)
            setup->frame_list.p[i] = TABLE_FRAME + i;
        setup->status = GNTST_okay;
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}

static int64_t memory_op(unsigned int cmd, void *arg)
{
    struct xen_memory_reservation *op = arg;

    if (cmd == XENMEM_decrease_reservation) {
        fake_ballooned += (unsigned int)op->nr_extents;
    } else if (cmd == XENMEM_populate_physmap) {
        if (op->nr_extents > fake_ballooned)
            op->nr_extents = fake_ballooned;
        fake_ballooned -= (unsigned int)op->nr_extents;
        for (unsigned int i = 0; i < op->nr_extents; i++)
            op->extent_start.p[i] += FIRST_FRAME;
    } else {
        return -XEN_ENOSYS;
    }
    return (int64_t)op->nr_extents;
}

int64_t shim_hypercall(unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
                       uint64_t a4)
{
    (void)a3, (void)a4;
    switch (nr) {
    case __HYPERVISOR_event_channel_op:
        return event_channel_op((unsigned int)a1, (void *)a2);
    case __HYPERVISOR_grant_table_op:
        return grant_table_op((unsigned int)a1, (void *)a2);
    case __HYPERVISOR_memory_op:
        return memory_op((unsigned int)a1, (void *)a2);
    default:
        return -XEN_ENOSYS;
    }
}

/* ---- the store ------------------------------------------------------------
 */

static struct {
    char *path, *value;
} nodes[NR_NODES];
static struct {
    char path[256], token[32];
} watches[NR_WATCHES];
static struct xenstore_domain_interface store_page
    __attribute__((aligned(4096)));
static struct xencons_interface console_page __attribute__((aligned(4096)));
static uint8_t to_guest[65536], from_guest[8192];
static size_t to_guest_len, from_guest_len;
unsigned int fake_store_conflicts;
bool fake_store_asleep;

struct xenstore_domain_interface *fake_store_ring(void)
{
    return &store_page;
}

struct xencons_interface *fake_console_ring(void)
{
    return &console_page;
}

static void reply(uint32_t type, uint32_t id, uint32_t tx, const void *data,
                  size_t len)
{
    struct xsd_sockmsg head = {type, id, tx, (uint32_t)len};

    if (to_guest_len + sizeof(head) + len > sizeof(to_guest))
        abort();
    memcpy(to_guest + to_guest_len, &head, sizeof(head));
    memcpy(to_guest + to_guest_len + sizeof(head), data, len);
    to_guest_len += sizeof(head) + len;
}

static int node_find(const char *path)
{
    for (int i = 0; i < NR_NODES; i++)
        if (nodes[i].path && !strcmp(nodes[i].path, path))
            return i;
    return -1;
}

static bool is_under(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

static void absolute(char *to, size_t size, const char *path)
{
    if (snprintf(to, size, "%s%s", *path == '/' ? "" : "/local/domain/1/",
                 path) >= (int)size)
        abort();
}

static void watch_event(unsigned int i, const char *path)
{
    char body[600];
    int n = snprintf(body, sizeof(body), "%s%c%s", path, 0, watches[i].token);

    reply(XS_WATCH_EVENT, 0, 0, body, (size_t)n + 1);
}

static void changed(const char *path)
{
    char full[300];

    for (unsigned int i = 0; i < NR_WATCHES; i++) {
        if (!watches[i].path[0])
            continue;
        absolute(full, sizeof(full), watches[i].path);
        if (is_under(path, full))
            watch_event(i, path);
    }
}

static void node_write(const char *path, const char *value, size_t len)
{
    int at = node_find(path);

    for (int i = 0; at < 0 && i < NR_NODES; i++)
        if (!nodes[i].path)
            at = i;
    if (at < 0)
        abort();
    free(nodes[at].path);
    free(nodes[at].value);
    nodes[at].path = strdup(path);
    nodes[at].value = strndup(value, len);
    changed(path);
}

static void node_rm(const char *path)
{
    for (int i = 0; i < NR_NODES; i++) {
        if (!nodes[i].path || !is_under(nodes[i].path, path))
            continue;
        free(nodes[i].path);
        free(nodes[i].value);
        nodes[i].path = nodes[i].value = NULL;
    }
    changed(path);
}

/* The names right under a path, each once. */
static size_t list(const char *path, char *names)
{
    size_t n = strlen(path), len = 0;

    for (int i = 0; i < NR_NODES; i++) {
        char name[64];
        size_t at = 0;
        bool known = false;

        if (!nodes[i].path || !is_under(nodes[i].path, path) ||
            !nodes[i].path[n])
            continue;
        at = strcspn(nodes[i].path + n + 1, "/");
        memcpy(name, nodes[i].path + n + 1, at);
        name[at] = 0;
        for (at = 0; at < len; at += strlen(names + at) + 1)
            known |= !strcmp(names + at, name);
        if (!known)
            len += (size_t)sprintf(names + len, "%s", name) + 1;
    }
    return len;
}

static void do_watch(const struct xsd_sockmsg *h, const char *body)
{
    const char *token = body + strlen(body) + 1;

    for (unsigned int i = 0; i < NR_WATCHES; i++) {
        if (watches[i].path[0])
            continue;
        if (strlen(body) >= sizeof(watches[i].path) ||
            strlen(token) >= sizeof(watches[i].token))
            abort();
        strcpy(watches[i].path, body);
        strcpy(watches[i].token, token);
        reply(XS_WATCH, h->req_id, h->tx_id, "OK", 3);
        watch_event(i, body);
        return;
    }
    abort();
}

static void do_unwatch(const struct xsd_sockmsg *h, const char *body)
{
    const char *token = body + strlen(body) + 1;

    for (unsigned int i = 0; i < NR_WATCHES; i++)
        if (!strcmp(watches[i].path, body) && !strcmp(watches[i].token, token))
            watches[i].path[0] = 0;
    reply(XS_UNWATCH, h->req_id, h->tx_id, "OK", 3);
}

static void do_end(const struct xsd_sockmsg *h)
{
    if (!fake_store_conflicts) {
        reply(h->type, h->req_id, h->tx_id, "OK", 3);
        return;
    }
    fake_store_conflicts--;
    reply(XS_ERROR, h->req_id, h->tx_id, "EAGAIN", 7);
}

static void handle(const struct xsd_sockmsg *h, const char *body)
{
    char path[300], names[4096];
    size_t first = strlen(body) + 1;
    int at;

    absolute(path, sizeof(path), body);
    at = node_find(path);
    switch (h->type) {
    case XS_READ:
        if (at < 0)
            reply(XS_ERROR, h->req_id, h->tx_id, "ENOENT", 7);
        else
            reply(XS_READ, h->req_id, h->tx_id, nodes[at].value,
                  strlen(nodes[at].value));
        return;
    case XS_WRITE:
        node_write(path, body + first, h->len - first);
        break;
    case XS_RM:
        node_rm(path);
        break;
    case XS_DIRECTORY:
        reply(XS_DIRECTORY, h->req_id, h->tx_id, names, list(path, names));
        return;
    case XS_WATCH:
        do_watch(h, body);
        return;
    case XS_UNWATCH:
        do_unwatch(h, body);
        return;
    case XS_TRANSACTION_START:
        reply(XS_TRANSACTION_START, h->req_id, h->tx_id, "7", 2);
        return;
    case XS_TRANSACTION_END:
        do_end(h);
        return;
    default:
        reply(XS_ERROR, h->req_id, h->tx_id, "ENOSYS", 7);
        return;
    }
    reply(h->type, h->req_id, h->tx_id, "OK", 3);
}

static void take_from_guest(void)
{
    struct xenstore_domain_interface *r = &store_page;

    while (r->req_cons != r->req_prod && from_guest_len < sizeof(from_guest))
        from_guest[from_guest_len++] =
            (uint8_t)r->req[MASK_XENSTORE_IDX(r->req_cons++)];
}

static bool handle_one(void)
{
    struct xsd_sockmsg h;
    char body[4097];
    size_t size;

    if (from_guest_len < sizeof(h))
        return false;
    memcpy(&h, from_guest, sizeof(h));
    size = sizeof(h) + h.len;
    if (h.len > 4096 || from_guest_len < size)
        return false;
    memcpy(body, from_guest + sizeof(h), h.len);
    body[h.len] = 0;
    memmove(from_guest, from_guest + size, from_guest_len - size);
    from_guest_len -= size;
    handle(&h, body);
    return true;
}

static void give_to_guest(void)
{
    struct xenstore_domain_interface *r = &store_page;
    size_t n = 0;

    while (n < to_guest_len && r->rsp_prod - r->rsp_cons < XENSTORE_RING_SIZE)
        r->rsp[MASK_XENSTORE_IDX(r->rsp_prod++)] = (char)to_guest[n++];
    memmove(to_guest, to_guest + n, to_guest_len - n);
    to_guest_len -= n;
}

static void store_turn(void)
{
    if (fake_store_asleep)
        return;
    take_from_guest();
    while (handle_one())
        ;
    give_to_guest();
}

void fake_store_set(const char *path, const char *value)
{
    node_write(path, value, strlen(value));
    give_to_guest();
}

const char *fake_store_get(const char *path)
{
    int at = node_find(path);

    return at < 0 ? NULL : nodes[at].value;
}

long fake_store_number(const char *path)
{
    const char *value = fake_store_get(path);

    return value ? strtol(value, NULL, 10) : -1;
}

void fake_store_rm(const char *path)
{
    node_rm(path);
    give_to_guest();
}

/* ---- the rest -------------------------------------------------------------
 */

void (*fake_on_wait)(void);
unsigned int fake_log_lines;
static uint64_t now_ns;

void shim_boot_info(struct shim_boot *boot)
{
    *boot = (struct shim_boot){&store_page, &console_page, STORE_PORT,
                               CONSOLE_PORT};
}

unsigned long shim_lock(void)
{
    return 1;
}

void shim_unlock(unsigned long saved)
{
    (void)saved;
}

uint64_t shim_now_ns(void)
{
    return now_ns;
}

void shim_wait(uint64_t deadline_ns)
{
    now_ns += 1000000;
    if (fake_on_wait)
        fake_on_wait();
    store_turn();
    if (fake_store_asleep && now_ns < deadline_ns)
        now_ns = deadline_ns;
}

void shim_log(const char *line)
{
    fake_log_lines++;
    if (getenv("FAKE_LOG"))
        fprintf(stderr, "log: %s\n", line);
}

void fake_new_host(void)
{
    memset(table, 0, sizeof(table));
    memset(watches, 0, sizeof(watches));
    memset(&shared, 0, sizeof(shared));
    memset(shared.evtchn_mask, 0xff, sizeof(shared.evtchn_mask));
    memset(&store_page, 0, sizeof(store_page));
    to_guest_len = from_guest_len = 0;
}

void fake_reset(void)
{
    for (int i = 0; i < NR_NODES; i++) {
        free(nodes[i].path);
        free(nodes[i].value);
    }
    memset(nodes, 0, sizeof(nodes));
    memset(watches, 0, sizeof(watches));
    memset(taken, 0, sizeof(taken));
    memset(detached, 0, sizeof(detached));
    ASAN_POISON_MEMORY_REGION(arena, sizeof(arena));
    memset(table, 0, sizeof(table));
    memset(&shared, 0, sizeof(shared));
    memset(shared.evtchn_mask, 0xff, sizeof(shared.evtchn_mask));
    memset(ports, 0, sizeof(ports));
    memset(&store_page, 0, sizeof(store_page));
    memset(&console_page, 0, sizeof(console_page));
    ports[0].open = ports[STORE_PORT].open = ports[CONSOLE_PORT].open = true;
    to_guest_len = from_guest_len = 0;
    fake_store_conflicts = 0;
    fake_store_asleep = false;
    fake_on_wait = NULL;
    fake_ballooned = 0;
    pages_left = -1;
    now_ns = 1;
}
