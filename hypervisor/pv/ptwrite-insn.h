/*
 * The instructions that kernels use to store page-table entries: decoded
 * from their bytes, and executed on an operand's value. PORTABLE.
 */
#ifndef PV_PTWRITE_INSN_H
#define PV_PTWRITE_INSN_H

#include "lib/lib.h"

enum ptw_op {
    PTW_MOV,
    PTW_XCHG,
    PTW_CMPXCHG,
    PTW_XADD,
    PTW_ADD,
    PTW_OR,
    PTW_ADC,
    PTW_SBB,
    PTW_AND,
    PTW_SUB,
    PTW_XOR,
    PTW_INC,
    PTW_DEC,
    PTW_NOT,
    PTW_NEG,
    PTW_BTS,
    PTW_BTR,
    PTW_BTC
};

struct ptw_insn {
    enum ptw_op op;
    uint8_t len;    /* of the whole instruction */
    uint8_t size;   /* of the memory operand: 1, 2, 4, 8 */
    uint8_t reg;    /* register operand, 0..15 */
    bool high_byte; /* AH, CH, DH or BH of register reg */
    bool has_imm;   /* `imm` instead of the register */
    uint64_t imm;   /* sign-extended */
};

/* What executing it changes besides the guest's RIP. */
struct ptw_result {
    bool store; /* the operand becomes `value` */
    uint64_t value;
    uint64_t rflags;
    bool set_reg; /* register `reg` (or its high byte) becomes `reg_value` */
    bool high_byte;
    uint8_t reg;
    uint64_t reg_value;
};

/* False: not one of them, or not all of it is in the n bytes. */
bool ptw_decode(const uint8_t *bytes, size_t n, struct ptw_insn *insn);
/* `old`: the operand's value, zero-extended. */
void ptw_execute(const struct ptw_insn *insn, const struct cpu_user_regs *regs,
                 uint64_t old, struct ptw_result *r);
/* Write the register and flags of a result. */
void ptw_commit(const struct ptw_insn *insn, const struct ptw_result *r,
                struct cpu_user_regs *regs);

#endif
