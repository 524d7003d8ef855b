/*
 * The tiny guest: what its parts offer each other and its programs. One address
 * space, no user mode, vCPU 0 does everything unless a program starts others.
 */
#ifndef PARAVANE_GUEST_H
#define PARAVANE_GUEST_H

#include "pv-frontends/core/libc.h"
#include "pv-frontends/guest/layout.h"
#include "pv-frontends/shim/shim.h"

#include <stdarg.h>

#include <xen/xen.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define PAGE_SIZE 4096ul
#define barrier() __asm__ volatile("" ::: "memory")

extern struct start_info *start_info;

/* ---- print.c ------------------------------------------------------------- */

/* %c %s %d %u %x with l, a width and 0; the length of the whole text. */
size_t format_args(char *buf, size_t size, const char *fmt, va_list ap);
size_t format(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A line or part of one, on the console. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- options.c: the command line ----------------------------------------- */

enum { OPTION_MAX = 32 };

/* What a program takes, as `key=value` behind its name. */
enum option_kind { OPTION_NUMBER, OPTION_ADDRESS, OPTION_WORD };
struct option {
    const char *key;
    enum option_kind kind;
    uint64_t least, most; /* of a number */
    const char *words;    /* "this,that", one of which it has to be */
};

/*
 * All words from place `first` on are among `known` (which ends with a NULL
 * key; or is NULL, and then there are none), and can be read without another
 * look. 0 or program_fail().
 */
int options_check(const struct option *known, unsigned int first);

/* The word at place `i`, cut to fit; false when there are not as many. */
bool option_word(unsigned int i, char *word, size_t size);
/* What stands behind `key=`; false when it is not there. */
bool option_text(const char *key, char *value, size_t size);
bool option_address(const char *key, uint8_t address[4]);
uint64_t option_number(const char *key, uint64_t otherwise);

/* ---- memory.c ------------------------------------------------------------ */

/* Find out what is ours and give all of it an address. 0 or an error. */
int memory_init(uint64_t boot_stack);
uint64_t memory_pages_free(void);
/* Map a frame that is not of our memory at an address of its own. */
void *memory_map_frame(uint64_t mfn);
/* Unmap all of those: nobody uses them any more. */
void memory_unmap_frames(void);
/* Say where our pages are, in a new shared_info page. */
void memory_publish_p2m(void);
static inline void *pfn_to_va(uint64_t pfn)
{
    return (void *)(VIRT_BASE + (pfn << 12));
}
static inline uint64_t va_to_pfn(const void *va)
{
    return ((uint64_t)va - VIRT_BASE) >> 12;
}
uint64_t pfn_to_mfn(uint64_t pfn);
uint64_t mfn_to_pfn(uint64_t mfn);

/* ---- trap.c -------------------------------------------------------------- */

/* As boot.S pushes it; the order is fixed by the iret hypercall. */
struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rdx, rsi, rdi;
    uint64_t rax, r11, rcx;
    uint32_t error, vector;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* True from a program's hook: handled, go on where the frame says. */
extern bool (*trap_hook)(struct regs *regs);
void trap_init(void);
void trap_entry(struct regs *regs);
/* What an initialised vCPU takes over of our entry points. */
void trap_context(struct vcpu_guest_context *ctx);

/* ---- vcpu.c ---------------------------------------------------------------
 */

/* The vCPU that we are on: its number is at the foot of its stack. */
unsigned int vcpu_self(void);
/* Have vCPU `n` run fn(arg); it goes down when that returns. */
int vcpu_run(unsigned int n, void (*fn)(void *arg), void *arg);
bool vcpu_is_done(unsigned int n);
/* How many this domain has. */
unsigned int vcpu_count(void);
void vcpu_start(uint64_t n) __attribute__((noreturn));

/* ---- time.c ---------------------------------------------------------------
 */

void time_init(void);
/* Go on counting from there, on a host whose time is another. */
void time_continue(uint64_t from_ns);
/* The hypervisor's wall clock, seconds. */
uint64_t time_wall(void);
/* Nanoseconds that this vCPU has really run. */
uint64_t time_running_ns(void);
static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}
/* Sleep, or spin on a vCPU other than 0. */
void time_sleep(uint64_t ns);

/* ---- start.c --------------------------------------------------------------
 */

void guest_start(struct start_info *si) __attribute__((noreturn));
/* Without it there is no time, no event and no waiting. */
void guest_map_shared_info(bool there);
void guest_shutdown(unsigned int reason) __attribute__((noreturn));

/* ---- suspend.c ----------------------------------------------------------- */

struct xbdev;

/*
 * Be saved, and come back: on this host or another, or at once when the
 * toolstack thought better of it. The device (or NULL) begins anew; vCPU 0 must
 * be the only one. 0, or program_fail().
 */
int guest_suspend(struct xbdev *dev);

static inline struct vcpu_info *vcpu_info(unsigned int n)
{
    return &shim_shared_info()->vcpu_info[n];
}

#endif
