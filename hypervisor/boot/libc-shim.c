/*
 * What the decompressors need of a C library, for as long as they run. All
 * of it is init code.
 */
#include "boot/pagerun.h"
#include "mm/alloc.h"

bool pagerun_failed;

/* Give [run, run + nr_pages) back in the blocks that the buddy knows. */
INIT_TEXT void pagerun_free(void *run, size_t nr_pages)
{
    uint64_t n = virt_to_mfn(run).n, end = n + nr_pages;

    while (n < end) {
        unsigned order = (unsigned)__builtin_ctzll(n | 1ull << ALLOC_MAX_ORDER);

        while (n + (1ull << order) > end)
            order--;
        alloc_free(frame_of(mfn(n)), order);
        n += 1ull << order;
    }
}

INIT_TEXT void *pagerun_alloc(size_t nr_pages)
{
    unsigned order = 0;
    struct frame *f;
    char *run;

    while (1ull << order < nr_pages)
        order++;
    if (order > ALLOC_MAX_ORDER)
        return NULL;
    f = alloc_frames(order, 0);
    pagerun_failed |= !f;
    if (!f)
        return NULL;
    run = frame_virt(f);
    if (nr_pages < 1ull << order)
        pagerun_free(run + nr_pages * PAGE_SIZE, (1ull << order) - nr_pages);
    return run;
}

/* In front of what malloc() returned; keeps it aligned for any type. */
struct block {
    size_t nr_pages;
} ALIGNED(64);

void *malloc(size_t size);
void *calloc(size_t nr, size_t size);
void free(void *p);
NORETURN void __stack_chk_fail(void);

/* They allocate a few large buffers: pages will do. */
INIT_TEXT void *malloc(size_t size)
{
    struct block *b;
    size_t nr_pages;

    if (size > SIZE_MAX - PAGE_SIZE - sizeof(*b))
        return NULL;
    nr_pages = DIV_ROUND_UP(size + sizeof(*b), PAGE_SIZE);
    b = pagerun_alloc(nr_pages);
    if (!b)
        return NULL;
    b->nr_pages = nr_pages;
    return b + 1;
}

INIT_TEXT void *calloc(size_t nr, size_t size)
{
    size_t bytes;
    void *p;

    if (__builtin_mul_overflow(nr, size, &bytes))
        return NULL;
    p = malloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

INIT_TEXT void free(void *p)
{
    struct block *b = p;

    if (p)
        pagerun_free(b - 1, b[-1].nr_pages);
}

INIT_TEXT void __stack_chk_fail(void)
{
    panic("a decompressor overran its stack");
}

/*
 * zstd calls these tracing hooks when they exist (weak references). A weak
 * symbol that stays undefined has address 0, out of a call's reach from here.
 */
unsigned long long ZSTD_trace_decompress_begin(const void *dctx);
void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace);

unsigned long long ZSTD_trace_decompress_begin(const void *dctx)
{
    (void)dctx;
    return 0; /* tracing off: the end hook is not called */
}

void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace)
{
    (void)ctx;
    (void)trace;
}
