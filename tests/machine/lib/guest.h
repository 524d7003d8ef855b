/*
 * What a test guest has: no libc, one address space that the domain builder
 * made, a pool of pages, an exception catcher and a verdict per case.
 *
 * A guest is a folder tests/machine/guest-<claim> whose main.c fills
 * guest_tests[]. Lines on the console that tests/machine/guest-job.sh reads:
 *   VERDICT guest/<claim>/<case> pass|fail|skip reason
 *   NOTE guest/<claim>/<case> what=value      (which error a refusal gave)
 *   GUEST <claim> ready|end
 */
#ifndef TEST_GUEST_H
#define TEST_GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/io/console.h>

#include "layout.h"
#include "hypercall.h"

#define PAGE_SIZE     4096ul
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define barrier()     __asm__ volatile("" ::: "memory")

/* ---- pv-frontends/guest/string.c; printf.c, console.c ------------------ */

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

/* %c %s %d %u %x %p with l, a width and 0; returns the length written. */
size_t format(char *buf, size_t size, const char *fmt, va_list ap);
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Wait (yielding) until the console daemon has taken everything. */
void console_drain(void);

/* ---- verdict.c ---------------------------------------------------------- */

struct test {
    const char *name;
    void (*run)(void);
};

/* A case called as its function; `_` reads as `-` in the verdict. */
#define TEST(fn)                                                               \
    {                                                                          \
#fn, fn                                                                \
    }

/* What main.c provides; a list ends with a nameless entry. */
extern const struct test guest_tests[];
/* A second list to go on with, if a guest wants one. */
extern const struct test *guest_more_tests;

/* The first false expectation of a case is its verdict's reason. */
bool expect_true(bool ok, const char *what, int line);
bool expect_value(uint64_t want, uint64_t got, const char *what, int line);
bool expect_refused(int64_t rc, const char *what, int line);

#define EXPECT(cond) expect_true((cond), #cond, __LINE__)
#define EXPECT_EQ(want, expr)                                                  \
    expect_value((uint64_t)(want), (uint64_t)(expr), #expr, __LINE__)
#define EXPECT_OK(expr) EXPECT_EQ(0, (int64_t)(expr))
/* Any error will do; the console notes which one it was. */
#define EXPECT_REFUSED(expr) expect_refused((expr), #expr, __LINE__)

void tests_run(const struct test *list);

/* The case says nothing here, because of `why`. */
void test_skip(const char *why);

/* Something to know about the host, no verdict. */
void note(const char *what, int64_t value);

/* For guests that are meant to go on for ever or to die: we got this far. */
void guest_ready(void);

/* ---- start.c ------------------------------------------------------------ */

extern struct start_info *start_info;
extern struct shared_info *shared;
extern uint8_t boot_fpu[512], boot_fpu_ap[512];
extern uint64_t boot_gprs[14], boot_rsp, boot_rflags;
extern uint8_t main_stack[STACK_SIZE], trap_stack[STACK_SIZE];

void guest_shutdown(unsigned int reason) __attribute__((noreturn));

static inline struct vcpu_info *this_vcpu_info(void)
{
    return &shared->vcpu_info[0];
}

/* ---- trap.c -------------------------------------------------------------- */

/* As boot.S pushes it; the order is fixed by the iret hypercall. */
struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rdx, rsi, rdi;
    uint64_t rax, r11, rcx;
    uint32_t error, vector;
    uint64_t rip, cs, rflags, rsp, ss;
};

struct iret_frame {
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

/* The last entry that TRAPS() or user_run() caught. */
struct trap_seen {
    struct regs regs;
    uint64_t cr2;   /* vcpu_info's, at entry */
    uint64_t frame; /* where the frame was */
    uint8_t mask;   /* evtchn_upcall_mask in the handler */
};
extern struct trap_seen trap_seen;

/* Called first for every entry; true: handled, return to where it was. */
extern bool (*trap_hook)(struct regs *regs);
extern volatile unsigned int upcall_count;
extern void (*upcall_hook)(void);

int trap_try(void) __attribute__((returns_twice));
extern volatile uint32_t trap_catching;
void iret_raw(const struct iret_frame *frame);
void trap_init(void);
void trap_set(uint8_t vector, uint8_t flags, uint64_t handler);
extern char trap_stubs[], entry_syscall[], entry_event[], entry_failsafe[];
extern char entry_syscall32[], trap_landing[], smp_entry[];

static inline uint64_t trap_stub(unsigned int vector)
{
    return (uint64_t)trap_stubs + vector * ENTRY_STUB_SIZE;
}

/* Run statements; true when an exception stopped them. */
#define TRAPS(...)                                                             \
    ({                                                                         \
        bool trapped_ = true;                                                  \
        if (!trap_try()) {                                                     \
            __VA_ARGS__;                                                       \
            barrier();                                                         \
            trap_catching = 0;                                                 \
            trapped_ = false;                                                  \
        }                                                                      \
        trapped_;                                                              \
    })

/* ---- mem.c --------------------------------------------------------------- */

#define PTE_P        0x001ul
#define PTE_RW       0x002ul
#define PTE_US       0x004ul
#define PTE_PWT      0x008ul
#define PTE_PCD      0x010ul
#define PTE_A        0x020ul
#define PTE_D        0x040ul
#define PTE_PS       0x080ul
#define PTE_G        0x100ul
#define PTE_NX       (1ul << 63)
#define PTE_RO_PAGE  (PTE_P | PTE_US | PTE_A)
#define PTE_RW_PAGE  (PTE_P | PTE_US | PTE_A | PTE_D | PTE_RW)
#define PTE_TABLE    (PTE_P | PTE_US | PTE_A | PTE_D | PTE_RW)
#define PTE_MFN(pte) (((pte) >> 12) & 0xfffffffffful)

#define M2P      ((const volatile uint64_t *)0xffff800000000000ul)
#define P2M_NONE (~0ul)

extern uint64_t *p2m;

static inline uint64_t va_to_pfn(const void *va)
{
    return ((uint64_t)va - VIRT_BASE) >> 12;
}

static inline uint64_t va_to_mfn(const void *va)
{
    return p2m[va_to_pfn(va)];
}

static inline void *pfn_to_va(uint64_t pfn)
{
    return (void *)(VIRT_BASE + (pfn << 12));
}

static inline uint64_t pte_make(uint64_t mfn, uint64_t flags)
{
    return (mfn << 12) | flags;
}

void mem_init(void);

/* A zeroed page of the pool, mapped writable; dies when there is none. */
void *page_alloc(void);
void page_free(void *page);

/* Our read-only view of the current tables; NULL when one is missing. */
uint64_t *pte_of_level(const void *va, int level);
/* The machine address of the L1 entry that maps va. */
uint64_t pte_addr(const void *va);

int va_map(const void *va, uint64_t pte);
int map_ro(const void *page);
int map_rw(const void *page);

int mmu_update_one(uint64_t ptr, uint64_t val);
int mmuext_one(unsigned int cmd, uint64_t mfn);
int mmuext_linear(unsigned int cmd, const void *linear, unsigned int nr);
int pin_level(int level, uint64_t mfn);
int unpin(uint64_t mfn);

/* A page that no table maps writable, ready to become one. */
uint64_t *table_alloc(void);
/* Make it an ordinary page again; it must be unpinned. */
void table_free(uint64_t *table);

/* The machine address of entry i of a table. */
static inline uint64_t entry_addr(const uint64_t *table, unsigned int i)
{
    return (va_to_mfn(table) << 12) + i * 8;
}

/* ---- user.c: a user-mode address space ------------------------------------
 */

#define USER_CODE  0x10000000ul
#define USER_STACK 0x10001000ul
#define USER_DATA  0x10002000ul
#define USER_RO    0x10003000ul

extern uint64_t *user_l4;
extern uint8_t *user_code_page, *user_data_page;
extern uint64_t *user_l1;

/* Build and load it, once; user pages are mapped in the kernel's too. */
void user_init(void);
/*
 * Copy [from, to) to USER_CODE and run it in user mode until something
 * enters the kernel; trap_seen says what.
 */
void user_run(const char *from, const char *to);
/* The same with the whole frame given. */
void user_enter(uint64_t rip, uint64_t rflags, uint64_t cs, uint64_t ss);

/* ---- smp.c -----------------------------------------------------------------
 */

extern uint8_t smp_stack[STACK_SIZE];
/* A context to start a vCPU with; it runs fn(arg) and must not return. */
struct vcpu_guest_context *smp_context(void (*fn)(void *), void *arg);
int smp_start(unsigned int vcpu, void (*fn)(void *), void *arg);

/* ---- time.c ----------------------------------------------------------------
 */

uint64_t time_ns(unsigned int vcpu);
static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}
/* Yield until pred() or the time is over; true when pred() came true. */
bool wait_until(bool (*pred)(void), uint64_t timeout_ns);

#endif
