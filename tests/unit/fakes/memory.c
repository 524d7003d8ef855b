#include "fake.h"

#include <stdio.h>
#include <stdlib.h>

int fake_alloc_fails_after = -1;
static int nr_objects;

static bool fails(void)
{
    if (fake_alloc_fails_after < 0)
        return false;
    return fake_alloc_fails_after-- == 0;
}

void *mem_alloc(size_t size)
{
    if (fails())
        return NULL;
    nr_objects++;
    return calloc(1, size);
}

void mem_free(void *p)
{
    nr_objects -= p != NULL;
    free(p);
}

void *page_alloc(void)
{
    return fails() ? NULL : fake_page_get();
}

void page_free(void *page)
{
    fake_page_put(page);
}

void fake_check_empty(void)
{
    assert_int_equal(nr_objects, 0);
    assert_int_equal(fake_frames_used(), 0);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

void log_guest(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    abort();
}
