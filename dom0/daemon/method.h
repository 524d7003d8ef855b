/*
 * What clients may ask: one table of methods, each with its parameters. A
 * method runs in a thread of its own, may wait, and answers once.
 */
#ifndef DAEMON_METHOD_H
#define DAEMON_METHOD_H

#include "dom0/daemon/create.h"
#include "dom0/daemon/daemon.h"
#include "dom0/daemon/rpc.h"

struct call {
    struct daemon *d;
    const struct method *method;
    struct rpc_request req;
    uint64_t client;
    struct kit *kit; /* this call's own */
    struct fault fault;
    json_t *result; /* what a successful method leaves; NULL is {} */
};

struct method {
    const char *name;
    const struct rpc_param *params;
    /* 0, or -Exxx with (mostly) a reason in c->fault. */
    int (*run)(struct call *c);
};

/* NULL when there is none of this name. */
const struct method *method_find(const char *name);

/* A request from the server: find, check, run, answer. Loop's thread. */
void method_request(void *daemon, uint64_t client, struct rpc_request *req);

/* Tell the client how far it is. */
void call_progress(struct call *c, const char *text);
struct progress call_progress_of(struct call *c);

/* The guest a call's "guest" names, with a reference, or NULL. */
struct guest *call_guest(struct call *c);
/* Does it name domain 0, which is no guest? */
bool call_is_dom0(const struct call *c);

/*
 * The domain that "guest" names, ours or not (by number or name); *g is ours
 * or NULL. Domain 0 is refused.
 */
int call_domain(struct call *c, uint32_t *domid, struct guest **g);

/* What a domain is called: ours by the registry, others by the store. NULL, or
 * to be freed. */
char *call_domain_name(struct call *c, uint32_t domid);

/* --- the methods, by file --------------------------------------------------*/

/* method-life.c */
int method_create(struct call *c);
int method_destroy(struct call *c);
int method_pause(struct call *c);
int method_unpause(struct call *c);
int method_shutdown(struct call *c);
int method_reboot(struct call *c);

/* method-tune.c */
int method_vcpu_set(struct call *c);
int method_mem_set(struct call *c);
int method_sched(struct call *c);

/* method-device.c */
int method_block_attach(struct call *c);
int method_block_detach(struct call *c);
int method_block_limit(struct call *c);
int method_network_attach(struct call *c);
int method_network_detach(struct call *c);

/* method-look.c */
int method_version(struct call *c);
int method_list(struct call *c);
int method_info(struct call *c);
int method_host(struct call *c);
int method_console(struct call *c);
int method_dmesg(struct call *c);
int method_debug_keys(struct call *c);
int method_networks(struct call *c);

#endif
