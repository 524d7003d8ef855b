#include "console/internal.h"

#include "boot/boot.h"
#include "cpu/cpu.h"
#include "irq/irq.h"
#include "time/clock.h"
#include "time/timer.h"

/* Registers of a 16550, at offsets from its port. */
enum { DATA, IER, FCR, LCR, MCR, LSR, MSR, SCR, DLL = DATA, DLM = IER };
#define LCR_8N1   0x03
#define LCR_DLAB  0x80
#define MCR_READY 0x0b /* DTR, RTS, and OUT2, which lets the interrupt out */
#define FCR_CLEAR 0x07
#define LSR_DATA  0x01
#define LSR_EMPTY 0x20
#define FIFO_SIZE 16

#define POLL_NS (20 * NS_PER_MS)
/* A port that takes nothing for this many reads (a second or so) is dead. */
#define SEND_TRIES 1000000

static const struct {
    uint16_t port;
    uint8_t irq;
} defaults[] = {{0x3f8, 4}, {0x2f8, 3}};

static uint16_t port;
static uint8_t irq;
static bool dead;
static char last_sent;
static struct timer poll_timer;

uint16_t serial_port(void)
{
    return dead ? 0 : port;
}

/* The field of an option after `nr` commas, as a number; `none` without. */
static uint64_t field(const char *option, unsigned nr, uint64_t none)
{
    const char *end;
    uint64_t v;

    for (; nr && option; nr--) {
        option = strchr(option, ',');
        option += option ? 1 : 0;
    }
    if (!option)
        return none;
    v = parse_u64(option, &end, 0);
    return end == option ? none : v;
}

static bool is_present(void)
{
    outb(port + SCR, 0x5a);
    if (inb(port + SCR) != 0x5a)
        return false;
    outb(port + SCR, 0xa5);
    return inb(port + SCR) == 0xa5;
}

bool serial_init(unsigned nr, const char *option)
{
    uint64_t baud = field(option, 0, 0);

    port = (uint16_t)field(option, 2, defaults[nr].port);
    irq = (uint8_t)field(option, 3, defaults[nr].irq);
    if (!is_present())
        return false;
    dead = false;
    outb(port + IER, 0);
    outb(port + LCR, LCR_8N1 | LCR_DLAB);
    /* "auto": as the firmware left it; nothing said: as the peer has it. */
    if (baud || !*option) {
        unsigned divisor = 115200u / (unsigned)(baud ? baud : 115200);

        outb(port + DLL, (uint8_t)divisor);
        outb(port + DLM, (uint8_t)(divisor >> 8));
    }
    outb(port + LCR, LCR_8N1);
    outb(port + FCR, FCR_CLEAR);
    outb(port + MCR, MCR_READY);
    return true;
}

static void wait_empty(void)
{
    for (unsigned i = 0; i < SEND_TRIES; i++) {
        if (inb(port + LSR) & LSR_EMPTY)
            return;
        cpu_relax();
    }
    dead = true;
}

/* Terminals want CR before LF; dom0's tty layer has put one in already. */
void serial_write(const char *s, size_t n)
{
    unsigned room = 0;

    while (n && !dead) {
        bool add_cr = *s == '\n' && last_sent != '\r';

        if (!room) {
            wait_empty();
            room = FIFO_SIZE;
        }
        last_sent = add_cr ? '\r' : *s;
        outb(port + DATA, (uint8_t)last_sent);
        room--;
        s += !add_cr;
        n -= !add_cr;
    }
}

static void receive(void *arg)
{
    bool any = false;

    (void)arg;
    /* Bounded: a port that is gone reads as all ones. */
    for (unsigned i = 0; i < 256 && inb(port + LSR) & LSR_DATA; i++) {
        console_input((char)inb(port + DATA));
        any = true;
    }
    if (any)
        console_input_done();
}

static void poll(void *arg)
{
    receive(arg);
    timer_set(&poll_timer, clock_now_ns() + POLL_NS);
}

/* The I/O APIC's view of the ISA interrupt: GSI, trigger and polarity. */
static int claim(void)
{
    unsigned gsi = irq;
    uint16_t flags = 0;

    for (unsigned i = 0; i < acpi_info.nr_isos; i++) {
        if (acpi_info.iso[i].source != irq)
            continue;
        gsi = acpi_info.iso[i].gsi;
        flags = acpi_info.iso[i].flags;
    }
    return irq_claim_gsi(gsi, (flags & 0xc) == 0xc, (flags & 3) == 3, receive,
                         NULL);
}

void serial_init_input(void)
{
    if (!claim()) {
        outb(port + IER, 1);
        receive(NULL); /* what came before would hold the line */
        return;
    }
    log_info("console: no interrupt %u, input is polled\n", irq);
    timer_init(&poll_timer, poll, NULL, cpu_id());
    timer_set(&poll_timer, clock_now_ns() + POLL_NS);
}
