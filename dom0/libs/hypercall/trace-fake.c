#include "dom0/libs/hypercall/fake-internal.h"

#include <xen/trace.h>

struct hv_fake_trace *hv_fake_trace(void)
{
    return &hv_fake.trace;
}

/* As the real one lays it out: offsets and a list of frames in one page. */
int hv_trace_set_size(struct hv *hv, uint32_t pages)
{
    struct hv_fake_trace *t = &hv_fake.trace;
    uint32_t at = 64, *list;
    struct t_info *info;

    (void)hv;
    CALL();
    if (t->info_mfn)
        return pages == t->pages ? -EBUSY : -EINVAL;
    t->info_mfn = hv_fake_take_frames(DOMID_XEN, 1);
    info = hv_fake_frame(t->info_mfn);
    list = (uint32_t *)info;
    memset(info, 0, HV_FAKE_PAGE);
    t->pages = info->tbuf_size = (uint16_t)pages;
    for (unsigned c = 0; c < HV_FAKE_CPUS; c++, at += pages) {
        t->buf_mfn[c] = hv_fake_take_frames(DOMID_XEN, pages);
        hv_fake_must(t->buf_mfn[c], "frames for a trace buffer");
        memset(hv_fake_frame(t->buf_mfn[c]), 0, pages * HV_FAKE_PAGE);
        info->mfn_offset[c] = (uint16_t)at;
        for (uint32_t i = 0; i < pages; i++)
            list[at + i] = (uint32_t)t->buf_mfn[c] + i;
    }
    return 0;
}

int hv_trace_info(struct hv *hv, uint64_t *mfn, uint32_t *bytes)
{
    (void)hv;
    CALL();
    *mfn = hv_fake.trace.info_mfn;
    *bytes = hv_fake.trace.info_mfn ? HV_FAKE_PAGE : 0;
    return 0;
}

int hv_trace_set_events(struct hv *hv, uint32_t mask)
{
    (void)hv;
    CALL();
    hv_fake.trace.events = mask;
    return 0;
}

int hv_trace_turn(struct hv *hv, bool on)
{
    (void)hv;
    CALL();
    if (on && !hv_fake.trace.info_mfn)
        return -EINVAL;
    hv_fake.trace.on = on;
    return 0;
}
