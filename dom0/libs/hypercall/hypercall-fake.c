#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dom0/libs/hypercall/fake-internal.h"

#define USUAL_FRAMES 65536u /* 256 MiB */

struct hv_fake_machine hv_fake = {.memory = -1};

void hv_fake_end(void)
{
    while (hv_fake.domains) {
        struct hv_fake_domain *d = hv_fake.domains;

        hv_fake.domains = d->next;
        free(d);
    }
    for (unsigned i = 0; i < HV_FAKE_MAX_WINDOWS; i++)
        if (hv_fake.windows[i].at)
            hv_fake_unmap(hv_fake.windows[i].at, hv_fake.windows[i].nr);
    if (hv_fake.base)
        munmap(hv_fake.base, hv_fake.nr_frames * HV_FAKE_PAGE);
    if (hv_fake.memory >= 0)
        close(hv_fake.memory);
    free(hv_fake.owner);
    free(hv_fake.writable);
    memset(&hv_fake, 0, sizeof(hv_fake));
    hv_fake.memory = -1;
}

void hv_fake_must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

void hv_fake_reset(uint64_t nr_frames)
{
    hv_fake_end();
    hv_fake.nr_frames = nr_frames ? nr_frames : USUAL_FRAMES;
    hv_fake.memory = memfd_create("machine", MFD_CLOEXEC);
    hv_fake_must(
        hv_fake.memory >= 0 &&
            !ftruncate(hv_fake.memory, (off_t)hv_fake.nr_frames * HV_FAKE_PAGE),
        "the fake machine's memory");
    hv_fake.base = mmap(NULL, hv_fake.nr_frames * HV_FAKE_PAGE,
                        PROT_READ | PROT_WRITE, MAP_SHARED, hv_fake.memory, 0);
    hv_fake.owner = malloc(hv_fake.nr_frames * sizeof(*hv_fake.owner));
    hv_fake.writable = calloc(hv_fake.nr_frames, sizeof(*hv_fake.writable));
    hv_fake_must(hv_fake.base != MAP_FAILED && hv_fake.owner &&
                     hv_fake.writable,
                 "the fake machine");
    for (uint64_t i = 0; i < hv_fake.nr_frames; i++)
        hv_fake.owner[i] = HV_FAKE_NOBODY;
    hv_fake.owner[0] = 0; /* so that 0 is never a guest's */
    hv_fake.nr_free = hv_fake.nr_frames - 1;
    hv_fake.next_id = 1;
    strcpy(hv_fake.caps, "xen-3.0-x86_64 hvm-3.0-x86_64 ");
}

void hv_fake_set_caps(const char *caps)
{
    snprintf(hv_fake.caps, sizeof(hv_fake.caps), "%s", caps);
}

void hv_fake_set_zeroed(bool zeroed)
{
    hv_fake.zeroed = zeroed;
}

void hv_fake_set_crashing(bool crashing)
{
    hv_fake.crashing = crashing;
}

void hv_fake_set_fragmented(bool fragmented)
{
    hv_fake.fragmented = fragmented;
}

void hv_fake_fail(const char *call, unsigned skip, int rc)
{
    snprintf(hv_fake.failing, sizeof(hv_fake.failing), "%s", call);
    hv_fake.skip = skip;
    hv_fake.rc = rc;
}

unsigned hv_fake_calls(const char *call)
{
    unsigned all = 0;

    for (unsigned i = 0; hv_fake.calls[i].call; i++) {
        if (call && !strcmp(hv_fake.calls[i].call, call))
            return hv_fake.calls[i].nr;
        all += hv_fake.calls[i].nr;
    }
    return call ? 0 : all;
}

bool hv_fake_called(const char *call, int *rc)
{
    unsigned i = 0;

    while (hv_fake.calls[i].call && strcmp(hv_fake.calls[i].call, call))
        i++;
    hv_fake.calls[i].call = call;
    hv_fake.calls[i].nr++;
    if (strcmp(hv_fake.failing, call) || hv_fake.skip-- > 0)
        return false;
    hv_fake.failing[0] = 0;
    *rc = hv_fake.rc;
    return true;
}

struct hv_fake_domain *hv_fake_domain(uint32_t domid)
{
    for (struct hv_fake_domain *d = hv_fake.domains; d; d = d->next)
        if (d->id == domid)
            return d;
    return NULL;
}

unsigned hv_fake_nr_domains(void)
{
    unsigned nr = 0;

    for (struct hv_fake_domain *d = hv_fake.domains; d; d = d->next)
        nr++;
    return nr;
}

uint64_t hv_fake_free_pages(void)
{
    return hv_fake.nr_free;
}

void *hv_fake_frame(uint64_t mfn)
{
    return mfn < hv_fake.nr_frames ? hv_fake.base + mfn * HV_FAKE_PAGE : NULL;
}

uint64_t hv_fake_take_frames(uint32_t domid, uint64_t nr)
{
    for (uint64_t at = nr; at + nr <= hv_fake.nr_frames; at += nr) {
        uint64_t i = 0;

        while (i < nr && hv_fake.owner[at + i] == HV_FAKE_NOBODY)
            i++;
        if (i < nr)
            continue;
        for (i = 0; i < nr; i++)
            hv_fake.owner[at + i] = (int32_t)domid;
        memset(hv_fake.base + at * HV_FAKE_PAGE,
               hv_fake.zeroed ? 0 : HV_FAKE_JUNK, nr * HV_FAKE_PAGE);
        hv_fake.nr_free -= nr;
        return at;
    }
    return 0;
}

void hv_fake_give_back(uint64_t mfn)
{
    hv_fake.owner[mfn] = HV_FAKE_NOBODY;
    hv_fake.nr_free++;
}

uint64_t hv_fake_claimed(void)
{
    uint64_t nr = 0;

    for (struct hv_fake_domain *d = hv_fake.domains; d; d = d->next)
        nr += d->claimed;
    return nr;
}

/* --- windows ------------------------------------------------------------- */

bool hv_fake_may_map(uint32_t domid, uint64_t mfn)
{
    return mfn < hv_fake.nr_frames && hv_fake.owner[mfn] == (int32_t)domid;
}

unsigned hv_fake_nr_windows(void)
{
    unsigned nr = 0;

    for (unsigned i = 0; i < HV_FAKE_MAX_WINDOWS; i++)
        nr += hv_fake.windows[i].at != NULL;
    return nr;
}

void *hv_fake_map(size_t nr, const xen_pfn_t *mfns, const int *errors,
                  bool writable)
{
    struct hv_fake_window *w = hv_fake.windows;
    int prot = PROT_READ | (writable ? PROT_WRITE : 0);

    while (w->at)
        w++;
    hv_fake_must(w < hv_fake.windows + HV_FAKE_MAX_WINDOWS, "windows");
    w->nr = nr;
    w->mfns = malloc(nr * sizeof(*w->mfns));
    w->at = mmap(NULL, nr * HV_FAKE_PAGE, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    hv_fake_must(w->mfns && w->at != MAP_FAILED, "a window");
    for (size_t i = 0; i < nr; i++) {
        w->mfns[i] = ~0ull;
        if (errors && errors[i])
            continue;
        hv_fake_must(mmap(w->at + i * HV_FAKE_PAGE, HV_FAKE_PAGE, prot,
                          MAP_SHARED | MAP_FIXED, hv_fake.memory,
                          (off_t)mfns[i] * HV_FAKE_PAGE) != MAP_FAILED,
                     "a page of a window");
        if (writable) {
            w->mfns[i] = mfns[i];
            hv_fake.writable[mfns[i]]++;
        }
    }
    return w->at;
}

void hv_fake_unmap(void *at, size_t nr)
{
    struct hv_fake_window *w = hv_fake.windows;

    while (w < hv_fake.windows + HV_FAKE_MAX_WINDOWS && w->at != at)
        w++;
    hv_fake_must(w < hv_fake.windows + HV_FAKE_MAX_WINDOWS && w->nr == nr,
                 "unmap what is mapped");
    for (size_t i = 0; i < nr; i++)
        if (w->mfns[i] != ~0ull)
            hv_fake.writable[w->mfns[i]]--;
    munmap(at, nr * HV_FAKE_PAGE);
    free(w->mfns);
    memset(w, 0, sizeof(*w));
}
