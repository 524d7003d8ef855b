/*
 * Small objects of the hypervisor. A page holds objects of one size class;
 * its frame keeps the page's state in `type` (which only guests' frames use
 * otherwise) and links it among the pages that have room. Bigger objects are
 * runs of pages; the first frame's `type` remembers the order.
 */
#include "mm/alloc.h"

#include "lib/spinlock.h"

#define CLASS_MIN_SHIFT 5 /* 32 bytes */
#define NR_CLASSES      7 /* up to 2048 */
#define NO_OBJECT       0xffff

/* frame.type of a pool page. */
#define POOL_SMALL (1ull << 62)
#define POOL_LARGE (1ull << 61)
struct page_state {
    unsigned class, used, first; /* first free object's offset */
};

static struct spinlock pool_lock = SPINLOCK_INIT;
static uint32_t partial[NR_CLASSES] = {NO_LINK, NO_LINK, NO_LINK, NO_LINK,
                                       NO_LINK, NO_LINK, NO_LINK};

static struct page_state state_get(const struct frame *f)
{
    return (struct page_state){
        .class = f->type & 0xff,
        .used = f->type >> 8 & 0xffff,
        .first = f->type >> 24 & 0xffff,
    };
}

static void state_set(struct frame *f, struct page_state s)
{
    f->type =
        POOL_SMALL | s.class | (uint64_t)s.used << 8 | (uint64_t)s.first << 24;
}

static void partial_link(struct frame *f, unsigned class)
{
    uint32_t n = (uint32_t)frame_mfn(f).n;

    f->prev = NO_LINK;
    f->next = partial[class];
    if (f->next != NO_LINK)
        frame_of(mfn(f->next))->prev = n;
    partial[class] = n;
}

static void partial_unlink(struct frame *f, unsigned class)
{
    if (f->next != NO_LINK)
        frame_of(mfn(f->next))->prev = f->prev;
    if (f->prev != NO_LINK)
        frame_of(mfn(f->prev))->next = f->next;
    else
        partial[class] = f->next;
}

/* A fresh page, all of its objects chained by their first two bytes. */
static struct frame *page_fill(unsigned class)
{
    unsigned size = 1u << (CLASS_MIN_SHIFT + class);
    uint8_t *page = alloc_host_pages(0);
    struct frame *f;

    if (!page)
        return NULL;
    for (unsigned off = 0; off < PAGE_SIZE; off += size) {
        unsigned next = off + size;

        *(uint16_t *)(page + off) =
            next < PAGE_SIZE ? (uint16_t)next : NO_OBJECT;
    }
    f = frame_of(virt_to_mfn(page));
    state_set(f, (struct page_state){.class = class});
    return f;
}

static void *small_alloc(unsigned class)
{
    struct frame *f;
    struct page_state s;
    uint8_t *object;

    spin_lock(&pool_lock);
    if (partial[class] == NO_LINK) {
        f = page_fill(class);
        if (!f) {
            spin_unlock(&pool_lock);
            return NULL;
        }
        partial_link(f, class);
    }
    f = frame_of(mfn(partial[class]));
    s = state_get(f);
    object = (uint8_t *)frame_virt(f) + s.first;
    s.first = *(uint16_t *)object;
    s.used++;
    if (s.first == NO_OBJECT)
        partial_unlink(f, class);
    state_set(f, s);
    spin_unlock(&pool_lock);
    return memset(object, 0, 1ul << (CLASS_MIN_SHIFT + class));
}

static void small_free(struct frame *f, void *p)
{
    unsigned offset = (uintptr_t)p & (PAGE_SIZE - 1);
    struct page_state s;

    spin_lock(&pool_lock);
    s = state_get(f);
    BUG_ON(!s.used || offset & ((1u << (CLASS_MIN_SHIFT + s.class)) - 1));
    if (s.first == NO_OBJECT)
        partial_link(f, s.class);
    *(uint16_t *)p = (uint16_t)s.first;
    s.first = offset;
    s.used--;
    state_set(f, s);
    if (!s.used) {
        partial_unlink(f, s.class);
        alloc_free(f, 0);
    }
    spin_unlock(&pool_lock);
}

static unsigned order_of(size_t size)
{
    size_t nr = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;

    return nr <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(nr - 1);
}

static void *large_alloc(size_t size)
{
    unsigned order = order_of(size);
    void *p = order > ALLOC_MAX_ORDER ? NULL : alloc_host_pages(order);

    if (p)
        frame_of(virt_to_mfn(p))->type = POOL_LARGE | order;
    return p;
}

void *mem_alloc(size_t size)
{
    unsigned class = 0;

    if (!size || size > 1ul << 40)
        return NULL;
    while (class < NR_CLASSES && size > 1ul << (CLASS_MIN_SHIFT + class))
        class ++;
    return class < NR_CLASSES ? small_alloc(class) : large_alloc(size);
}

void mem_free(void *p)
{
    struct frame *f;

    if (!p)
        return;
    f = frame_of(virt_to_mfn(p));
    if (f->type & POOL_LARGE) {
        alloc_free(f, f->type & 0xff);
        return;
    }
    BUG_ON(!(f->type & POOL_SMALL));
    small_free(f, p);
}

void *page_alloc(void)
{
    return alloc_host_pages(0);
}

void page_free(void *page)
{
    free_host_pages(page, 0);
}
