/*
 * The small C library of the hypervisor, and the words every file uses.
 * PORTABLE: host tests link the same files.
 */
#ifndef LIB_LIB_H
#define LIB_LIB_H

#include <stdarg.h>

#include "abi/base.h"

#define ARRAY_SIZE(a)      (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)          ((a) < (b) ? (a) : (b))
#define MAX(a, b)          ((a) > (b) ? (a) : (b))
#define ROUND_UP(x, n)     (((x) + (n)-1) & ~((__typeof__(x))(n)-1))
#define DIV_ROUND_UP(x, n) (((x) + (n)-1) / (n))
#define container_of(p, type, member)                                          \
    ((type *)((char *)(p)-offsetof(type, member)))
#define likely(x)         __builtin_expect(!!(x), 1)
#define unlikely(x)       __builtin_expect(!!(x), 0)
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define INIT_TEXT         __attribute__((section(".init.text"), noinline))
#define INIT_DATA         __attribute__((section(".init.data")))
#define PACKED            __attribute__((packed))
#define ALIGNED(n)        __attribute__((aligned(n)))
#define MUST_CHECK        __attribute__((warn_unused_result))

#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define NS_PER_SEC 1000000000ull
#define NS_PER_MS  1000000ull
#define NS_PER_US  1000ull

/* string.c */
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
/* A freestanding compiler does not know them; small ones are worth an
   instruction or two. */
#define memcpy(dst, src, n)  __builtin_memcpy(dst, src, n)
#define memmove(dst, src, n) __builtin_memmove(dst, src, n)
#define memset(dst, c, n)    __builtin_memset(dst, c, n)
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strstr(const char *s, const char *find);
/* Copy with truncation; `dst` is always terminated when size > 0. */
size_t str_copy(char *dst, const char *src, size_t size);

/* printf.c: d i u x X o c s p %, flags - 0 + # and width, precision, l ll z h
 * hh */
int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* number.c: parse like strtoull, base 0 understands 0x and 0. */
uint64_t parse_u64(const char *s, const char **end, unsigned base);
/* "512", "512K", "1536M", "2G" to bytes (no suffix: KiB, as the peer). */
uint64_t parse_size(const char *s, const char **end);

/* sort.c: heap sort, no recursion, no allocation. */
void sort_array(void *base, size_t nr, size_t size,
                int (*cmp)(const void *, const void *));

/* console/log.c, panic.c (host tests bring fakes). */
enum log_level { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
void log_printf(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_err(...)   log_printf(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_printf(LOG_WARNING, __VA_ARGS__)
#define log_info(...)  log_printf(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_printf(LOG_DEBUG, __VA_ARGS__)
/* On behalf of a guest: own threshold (guest_loglvl=), rate limited. */
void log_guest(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Stop the machine with a message, registers and a symbolised backtrace. */
NORETURN void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);
#define BUG_ON(cond)                                                           \
    do {                                                                       \
        if (unlikely(cond))                                                    \
            panic("BUG: %s at %s:%d", #cond, __FILE__, __LINE__);              \
    } while (0)
#ifdef DEBUG
#define ASSERT(cond) BUG_ON(!(cond))
#else
#define ASSERT(cond) ((void)sizeof(cond))
#endif

/* mm/pool.c (host tests: calloc). Zeroed; NULL when memory is out. */
void *mem_alloc(size_t size);
void mem_free(void *p);
/* One zeroed page of hypervisor memory, and back. */
void *page_alloc(void);
void page_free(void *page);

/* All ones if a < b, else 0, without a branch that a CPU could speculate past.
 */
static inline size_t nospec_below(size_t a, size_t b)
{
    size_t mask;

    __asm__ volatile("cmp %1, %2; sbb %0, %0"
                     : "=r"(mask)
                     : "rme"(b), "r"(a)
                     : "cc");
    return mask;
}

/* Clamp `index` to 0 unless index < limit. Use it after the check, before the
   array access. */
static inline size_t nospec_index(size_t index, size_t limit)
{
    return index & nospec_below(index, limit);
}

#endif
