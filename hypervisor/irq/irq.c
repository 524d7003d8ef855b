#include "irq/internal.h"
#include "cpu/lapic.h"
#include "cpu/latency.h"
#include "cpu/watchdog.h"
#include "mm/tlb.h"
#include "time/timer.h"

struct spinlock irq_lock = SPINLOCK_INIT;

static void handle(unsigned vector)
{
    switch (vector) {
    case VECTOR_TIMER:
        lapic_eoi();
        timer_interrupt();
        return;
    case VECTOR_FLUSH:
        lapic_eoi();
        tlb_serve_requests();
        return;
    case VECTOR_CALL:
        lapic_eoi();
        ipi_call_interrupt();
        return;
    case VECTOR_KICK: /* its purpose is the exit path that follows */
        lapic_eoi();
        return;
    case VECTOR_SPURIOUS: /* never acknowledged (SDM vol. 3, 11.9) */
        return;
    default:
        /*
         * Acknowledge first: level lines are masked by their handler before
         * interrupts are on again, and an edge that comes meanwhile is kept.
         */
        if (!vector_run(vector))
            log_warn("interrupt vector %#x, which nobody claimed\n", vector);
        lapic_eoi();
    }
}

void irq_dispatch(unsigned vector)
{
    watchdog_alive();
    latency_begin();
    handle(vector);
    latency_end(LATENCY_INTERRUPT, vector);
}

/* One of the hypervisor's own lines (the serial port). */
struct own_line {
    unsigned gsi;
    bool level;
    void (*fn)(void *);
    void *arg;
};

static void own_line_fired(void *arg)
{
    struct own_line *line = arg;

    line->fn(line->arg);
}

int irq_claim_gsi(unsigned gsi, bool level, bool low, void (*fn)(void *),
                  void *arg)
{
    struct own_line *line = mem_alloc(sizeof(*line));
    int vector, rc;

    if (!line)
        return -ENOMEM;
    *line = (struct own_line){gsi, level, fn, arg};
    spin_lock(&irq_lock);
    rc = vector = vector_alloc(own_line_fired, line);
    if (rc >= 0) {
        rc = ioapic_route(gsi, vector, lapic_id(), level, low);
        if (rc)
            vector_free(vector);
        else
            ioapic_unmask(gsi);
    }
    spin_unlock(&irq_lock);
    if (rc)
        mem_free(line);
    return rc;
}

/* The two 8259s: every line masked, vectors away from the exceptions. */
static void pic_disable(void)
{
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    outb(0x20, 0x11);
    outb(0xa0, 0x11);
    outb(0x21, 0x20);
    outb(0xa1, 0x28);
    outb(0x21, 4);
    outb(0xa1, 2);
    outb(0x21, 1);
    outb(0xa1, 1);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

void irq_init(void)
{
    pic_disable();
    ioapic_init();
}
