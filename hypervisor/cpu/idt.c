#include "cpu/trap.h"

struct idt_gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_high, reserved;
};
static_assert(sizeof(struct idt_gate) == 16, "SDM vol. 3, 6.14.1");

#define GATE_INTERRUPT 0x8e /* present, DPL 0, interrupts off */
#define GATE_DPL3      0x60

/* trap-entry.S: 256 stubs of 16 bytes. */
extern const uint8_t trap_stubs[256][16];

static struct idt_gate idt[256] ALIGNED(4096);

static void set_gate(unsigned vector, unsigned ist, unsigned dpl3)
{
    uintptr_t stub = (uintptr_t)trap_stubs[vector];

    idt[vector] = (struct idt_gate){
        .offset_low = (uint16_t)stub,
        .offset_mid = (uint16_t)(stub >> 16),
        .offset_high = (uint32_t)(stub >> 32),
        .selector = HOST_CS,
        .ist = (uint8_t)ist,
        .type = (uint8_t)(GATE_INTERRUPT | dpl3),
    };
}

void idt_init(void)
{
    for (unsigned i = 0; i < 256; i++)
        set_gate(i, 0, 0);
    set_gate(TRAP_DF, IST_DF, 0);
    set_gate(TRAP_NMI, IST_NMI, 0);
    set_gate(TRAP_MC, IST_MC, 0);
    /*
     * #DB too: a guest's watchpoint on the operand of MOV SS, followed by
     * SYSCALL, fires at our first instruction, on the guest's own stack.
     */
    set_gate(TRAP_DB, IST_DB, 0);
    /* INT3 and INTO are the guest's own business. */
    set_gate(TRAP_BP, 0, GATE_DPL3);
    set_gate(TRAP_OF, 0, GATE_DPL3);
}

void idt_load(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } PACKED idtr = {sizeof(idt) - 1, (uintptr_t)idt};

    __asm__ volatile("lidt %0" ::"m"(idtr));
}
