#include "console/internal.h"

#include "boot/boot.h"
#include "cpu/cpu.h"
#include "cpu/lapic.h"
#include "cpu/trap.h"

#define MAX_DEPTH 32

/* A mapped place of this CPU's stacks that holds a frame's two words? */
static bool is_frame(uintptr_t fp)
{
    uintptr_t block = (uintptr_t)(cpu_info() + 1) - STACK_SIZE;
    uintptr_t offset = fp - block;

    return !(fp & 7) && offset < STACK_SIZE - sizeof(struct cpu_info) - 16 &&
           offset / PAGE_SIZE != STACK_GUARD_PAGE &&
           (offset + 8) / PAGE_SIZE != STACK_GUARD_PAGE;
}

/* Frames only grow towards the top of the stack, so this ends. */
void backtrace_print(uintptr_t fp)
{
    char name[96];

    for (unsigned i = 0; i < MAX_DEPTH && is_frame(fp); i++) {
        const uintptr_t *frame = (const uintptr_t *)fp;

        symbol_format(frame[1], name, sizeof(name));
        log_err("  %s\n", name);
        if (frame[0] <= fp)
            return;
        fp = frame[0];
    }
}

/* One CPU at a time, and once: a fault on the way just halts. */
static void enter_dying(void)
{
    static uint32_t dying;

    irq_disable();
    if (__atomic_exchange_n(&dying, 1, __ATOMIC_SEQ_CST))
        for (;;)
            __asm__ volatile("cli; hlt");
    console_force();
    lapic_stop_others();
}

static void say(const char *what, const char *fmt, va_list ap)
{
    char text[320];

    fmt_vsnprintf(text, sizeof(text), fmt, ap);
    log_err("*** %s: %s\n", what, text);
}

void panic(const char *fmt, ...)
{
    va_list ap;

    enter_dying();
    va_start(ap, fmt);
    say("panic", fmt, ap);
    va_end(ap);
    log_err("on CPU %u, called from\n", cpu_id());
    backtrace_print((uintptr_t)__builtin_frame_address(0));
    if (boot_options.noreboot || !boot_done) {
        log_err("halted\n");
        machine_halt();
    }
    log_err("reboot in five seconds (the option noreboot prevents it)\n");
    for (unsigned i = 0; i < 5000000; i++)
        inb(0x80); /* about a microsecond each; the clock may be what broke */
    machine_restart();
}

void boot_stop(const char *fmt, ...)
{
    va_list ap;

    enter_dying();
    va_start(ap, fmt);
    say("cannot boot", fmt, ap);
    va_end(ap);
    log_err("halted\n");
    machine_halt();
}
