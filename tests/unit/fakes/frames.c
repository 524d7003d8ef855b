/* A frame table of FAKE_FRAMES frames; type counts for writable only. */
#include "fake.h"

char fake_ram[FAKE_FRAMES * PAGE_SIZE] __attribute__((aligned(4096)));
char fake_frame_table[FAKE_FRAMES * sizeof(struct frame)]
    __attribute__((aligned(64)));
uint64_t fake_m2p[FAKE_FRAMES];
uint64_t max_mfn = FAKE_FRAMES;

#define TYPE_TABLE (1ull << 63)
#define TYPE_COUNT (TYPE_TABLE - 1)

bool mfn_is_ram(mfn_t m)
{
    return m.n && m.n < FAKE_FRAMES;
}

uint64_t virt_to_phys(const void *p)
{
    return (uint64_t)((const char *)p - fake_ram);
}

static struct frame *take(void)
{
    for (uint64_t n = 1; n < FAKE_FRAMES; n++) {
        struct frame *f = frame_of(mfn(n));

        if (f->refs)
            continue;
        memset(f, 0, sizeof(*f));
        f->refs = FRAME_ALLOCATED + 1;
        memset(frame_virt(f), 0, PAGE_SIZE);
        return f;
    }
    fail_msg("out of fake frames");
    return NULL;
}

struct frame *fake_frame_new(struct domain *d)
{
    struct frame *f = take();

    f->owner = d->id;
    return f;
}

void fake_frame_free(struct frame *f)
{
    f->refs &= ~FRAME_ALLOCATED;
    frame_put(f);
}

void fake_frame_make_table(struct frame *f)
{
    f->type = TYPE_TABLE;
}

void *fake_page_get(void)
{
    struct frame *f = take();

    f->owner = DOMID_XEN;
    return frame_virt(f);
}

void fake_page_put(void *page)
{
    struct frame *f = frame_of(virt_to_mfn(page));

    assert_true(f->refs == FRAME_ALLOCATED + 1);
    f->refs = 0;
}

unsigned fake_frames_used(void)
{
    unsigned used = 0;

    for (uint64_t n = 1; n < FAKE_FRAMES; n++)
        used += frame_of(mfn(n))->refs != 0;
    return used;
}

struct frame *frame_get(mfn_t m, const struct domain *d)
{
    struct frame *f = frame_of(m);

    if (!f->refs || f->owner != d->id)
        return NULL;
    f->refs++;
    return f;
}

void frame_put(struct frame *f)
{
    assert_true(f->refs & FRAME_COUNT);
    f->refs--;
    if (!f->refs)
        assert_int_equal(f->type & TYPE_COUNT, 0);
}

int frame_type_get(struct frame *f, struct domain *d, enum frame_type type)
{
    (void)d;
    assert_int_equal(type, FT_WRITABLE);
    if (f->type & TYPE_TABLE)
        return -EBUSY;
    f->type++;
    return 0;
}

void frame_type_put(struct frame *f, struct domain *d)
{
    (void)d;
    assert_true(f->type & TYPE_COUNT);
    f->type--;
}

int frame_get_typed(mfn_t m, struct domain *d, enum frame_type type)
{
    struct frame *f = frame_get(m, d);

    if (!f)
        return -EINVAL;
    if (frame_type_get(f, d, type)) {
        frame_put(f);
        return -EBUSY;
    }
    return 0;
}

void frame_put_typed(struct frame *f, struct domain *d)
{
    frame_type_put(f, d);
    frame_put(f);
}

void frame_share(void *page, struct domain *d)
{
    struct frame *f = frame_of(virt_to_mfn(page));

    f->owner = d->id;
    f->flags |= FRAME_SHARED;
}

void frame_unshare_free(void *page)
{
    frame_of(virt_to_mfn(page))->flags = 0;
    fake_page_put(page);
}
