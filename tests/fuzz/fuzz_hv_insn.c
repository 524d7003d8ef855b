/*
 * The two instruction decoders on a guest's bytes: no byte beyond those given
 * is read, lengths are what a CPU allows, and what is executed changes nothing
 * wider than its operand.
 */
#include "pv/insn.h"
#include "pv/ptwrite-insn.h"

#include <stdlib.h>

static void privileged(const uint8_t *bytes, size_t n, bool long_mode)
{
    struct insn i;

    if (insn_decode(bytes, n, long_mode, &i))
        return;
    if (!i.length || i.length > n || i.length > INSN_MAX_LENGTH || i.rm > 15 ||
        i.reg > 15)
        abort();
}

static void page_table_store(const uint8_t *bytes, size_t n, uint64_t old)
{
    struct cpu_user_regs regs = {.rax = old, .rcx = ~old, .rflags = 0x202};
    struct ptw_result r;
    struct ptw_insn i;

    if (!ptw_decode(bytes, n, &i))
        return;
    if (!i.len || i.len > n || i.len > INSN_MAX_LENGTH || i.reg > 15 ||
        (i.size != 1 && i.size != 2 && i.size != 4 && i.size != 8))
        abort();
    if (i.size < 8)
        old &= (1ull << 8 * i.size) - 1;
    ptw_execute(&i, &regs, old, &r);
    if (r.store && i.size < 8 && r.value >> 8 * i.size)
        abort();
    if ((r.rflags ^ regs.rflags) & ~0x8d5ull) /* CF PF AF ZF SF OF */
        abort();
    ptw_commit(&i, &r, &regs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;
    uint64_t old;

    if (size < 9)
        return 0;
    memcpy(&old, data, sizeof(old));
    size = size - 8 > INSN_MAX_LENGTH ? INSN_MAX_LENGTH : size - 8;
    copy = malloc(size);
    memcpy(copy, data + 8, size);
    privileged(copy, size, old & 1);
    page_table_store(copy, size, old);
    free(copy);
    return 0;
}
