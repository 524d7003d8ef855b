#include "dom0/debug/target.h"

#include "dom0/libs/foreignmem/foreignmem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    NAP_US = 2000,
    NR_CACHED = 32,
    PTE_PRESENT = 1,
    PTE_LARGE = 0x80
};
#define PTE_FRAME(pte) ((pte) >> 12 & 0xffffffffffull)

struct cached {
    uint64_t mfn; /* valid when `at` is there */
    void *at;
};

struct target {
    struct hv *hv;
    struct fmem *fm;
    uint32_t domid;
    unsigned int nr_vcpus;
    /* Pages mapped for reading: page tables, mostly. */
    struct cached cache[NR_CACHED];
    unsigned int next;
};

int target_open(struct target **tp, uint32_t domid)
{
    struct xen_domctl_getdomaininfo info;
    struct target *t = calloc(1, sizeof(*t));
    int rc;

    if (!t)
        return -ENOMEM;
    t->domid = domid;
    rc = hv_open(&t->hv);
    if (!rc)
        rc = fmem_open(&t->fm);
    if (!rc)
        rc = hv_domain_info(t->hv, domid, &info);
    if (!rc && info.flags & XEN_DOMINF_hvm_guest)
        rc = -EOPNOTSUPP;
    if (rc) {
        target_close(t);
        return rc;
    }
    t->nr_vcpus =
        info.max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : info.max_vcpu_id + 1;
    *tp = t;
    return 0;
}

/* What is mapped may change its meaning as soon as the guest runs. */
void target_forget(struct target *t)
{
    for (unsigned int i = 0; i < NR_CACHED; i++) {
        if (t->cache[i].at)
            fmem_unmap(t->fm, t->cache[i].at, 1);
        t->cache[i].at = NULL;
    }
}

void target_close(struct target *t)
{
    if (!t)
        return;
    if (t->fm)
        target_forget(t);
    fmem_close(t->fm);
    hv_close(t->hv);
    free(t);
}

unsigned int target_nr_vcpus(const struct target *t)
{
    return t->nr_vcpus;
}

int target_memory(struct target *t, uint64_t *size)
{
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(t->hv, t->domid, &info);

    if (!rc)
        *size = info.tot_pages * PAGE;
    return rc;
}

struct hv *target_hv(struct target *t)
{
    return t->hv;
}

uint32_t target_domid(const struct target *t)
{
    return t->domid;
}

/* --- stopping and going ----------------------------------------------------*/

enum target_state target_state(struct target *t)
{
    struct xen_domctl_getdomaininfo info;

    if (hv_domain_info(t->hv, t->domid, &info) || info.flags & XEN_DOMINF_dying)
        return TARGET_GONE;
    if (info.flags & XEN_DOMINF_shutdown)
        return (info.flags >> XEN_DOMINF_shutdownshift &
                XEN_DOMINF_shutdownmask) == SHUTDOWN_crash
                   ? TARGET_CRASHED
                   : TARGET_ENDED;
    return info.flags & XEN_DOMINF_paused ? TARGET_STOPPED : TARGET_RUNS;
}

int target_stop(struct target *t)
{
    return hv_domain_pause(t->hv, t->domid);
}

int target_go(struct target *t)
{
    target_forget(t);
    return hv_domain_unpause(t->hv, t->domid);
}

void target_nap(struct target *t)
{
    (void)t;
    usleep(NAP_US);
}

int target_catch(struct target *t, bool catch)
{
    return hv_domain_set_debugging(t->hv, t->domid, catch);
}

/* --- registers -------------------------------------------------------------*/

int target_registers(struct target *t, unsigned int vcpu,
                     struct vcpu_guest_context *ctx)
{
    return hv_vcpu_get_context(t->hv, t->domid, vcpu, ctx);
}

int target_set_registers(struct target *t, unsigned int vcpu,
                         const struct vcpu_guest_context *ctx)
{
    return hv_vcpu_set_context(t->hv, t->domid, vcpu, ctx);
}

/* --- memory ----------------------------------------------------------------*/

static void *map_frame(struct target *t, uint64_t mfn, int prot)
{
    xen_pfn_t frame = mfn;
    void *at = NULL;

    return fmem_map(t->fm, t->domid, prot, 1, &frame, &at) ? NULL : at;
}

static const void *page_at(struct target *t, uint64_t mfn)
{
    struct cached *c;

    for (unsigned int i = 0; i < NR_CACHED; i++)
        if (t->cache[i].at && t->cache[i].mfn == mfn)
            return t->cache[i].at;
    c = &t->cache[t->next++ % NR_CACHED];
    if (c->at)
        fmem_unmap(t->fm, c->at, 1);
    c->mfn = mfn;
    c->at = map_frame(t, mfn, PROT_READ);
    return c->at;
}

/* The machine frame behind an address; false when nothing is mapped there. */
static bool walk(struct target *t, uint64_t root, uint64_t va, uint64_t *mfn)
{
    uint64_t frame = root;

    for (int shift = 39; shift >= 12; shift -= 9) {
        const uint64_t *table = page_at(t, frame);
        uint64_t pte = table ? table[va >> shift & 511] : 0;

        if (!(pte & PTE_PRESENT))
            return false;
        frame = PTE_FRAME(pte);
        if (shift > 12 && pte & PTE_LARGE) {
            *mfn = frame + (va >> 12 & ((1ull << (shift - 12)) - 1));
            return true;
        }
    }
    *mfn = frame;
    return true;
}

/* By the kernel's tables; what only user space has mapped, by those. */
static bool frame_of(struct target *t, const struct vcpu_guest_context *ctx,
                     uint64_t va, uint64_t *mfn)
{
    uint64_t kernel = ctx->ctrlreg[3] >> 12, user = ctx->ctrlreg[1] >> 12;

    if (walk(t, kernel, va, mfn))
        return true;
    return user && walk(t, user, va, mfn);
}

static size_t chunk_of(uint64_t va, size_t size)
{
    size_t left = PAGE - va % PAGE;

    return size < left ? size : left;
}

size_t target_read(struct target *t, const struct vcpu_guest_context *ctx,
                   uint64_t va, void *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        size_t n = chunk_of(va + done, size - done);
        const char *page;
        uint64_t mfn;

        if (!frame_of(t, ctx, va + done, &mfn) || !(page = page_at(t, mfn)))
            break;
        memcpy((char *)data + done, page + (va + done) % PAGE, n);
        done += n;
    }
    return done;
}

size_t target_write(struct target *t, const struct vcpu_guest_context *ctx,
                    uint64_t va, const void *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        size_t n = chunk_of(va + done, size - done);
        uint64_t mfn;
        char *page;

        if (!frame_of(t, ctx, va + done, &mfn))
            break;
        page = map_frame(t, mfn, PROT_READ | PROT_WRITE);
        if (!page)
            break;
        memcpy(page + (va + done) % PAGE, (const char *)data + done, n);
        fmem_unmap(t->fm, page, 1);
        done += n;
    }
    return done;
}

bool target_frame(struct target *t, uint64_t mfn, void *page)
{
    const void *at = page_at(t, mfn);

    if (at)
        memcpy(page, at, PAGE);
    return at;
}

void target_frames(struct target *t, const uint64_t *mfns, size_t nr,
                   void *pages)
{
    int errors[TARGET_FRAMES_MAX];
    char *to = pages;
    void *at;

    if (fmem_map_some(t->fm, t->domid, PROT_READ, nr, mfns, errors, &at)) {
        memset(pages, 0, nr * PAGE);
        return;
    }
    for (size_t i = 0; i < nr; i++) {
        if (errors[i])
            memset(to + i * PAGE, 0, PAGE);
        else
            memcpy(to + i * PAGE, (const char *)at + i * PAGE, PAGE);
    }
    fmem_unmap(t->fm, at, nr);
}
