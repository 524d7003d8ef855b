/* Stores to page-table entries, decoded and executed: see ptwrite-insn.h. */
#include "pv/ptwrite-insn.h"

#define FLAG_CF   (1u << 0)
#define FLAG_PF   (1u << 2)
#define FLAG_AF   (1u << 4)
#define FLAG_ZF   (1u << 6)
#define FLAG_SF   (1u << 7)
#define FLAG_OF   (1u << 11)
#define FLAGS_ALL (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* ---- decoding ---- */

struct cursor {
    const uint8_t *bytes;
    size_t n, at;
    bool bad;
    uint8_t rex;
    bool opsize, addrsize;
};

static uint8_t next_byte(struct cursor *c)
{
    if (c->at >= c->n) {
        c->bad = true;
        return 0;
    }
    return c->bytes[c->at++];
}

static void skip(struct cursor *c, size_t n)
{
    if (n > c->n - c->at)
        c->bad = true;
    else
        c->at += n;
}

static uint64_t immediate(struct cursor *c, unsigned size)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)next_byte(c) << (8 * i);
    if (size < 8 && v >> (8 * size - 1))
        v |= ~0ull << (8 * size);
    return v;
}

/* First opcode byte, behind the prefixes. REP has no meaning for us. */
static uint8_t prefixes(struct cursor *c)
{
    for (;;) {
        uint8_t b = next_byte(c);

        switch (b) {
        case 0x66:
            c->opsize = true;
            continue;
        case 0x67:
            c->addrsize = true;
            continue;
        case 0xf0: /* LOCK: all of ours is atomic */
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
            continue;
        case 0xf2:
        case 0xf3:
            c->bad = true;
            return 0;
        default:
            if ((b & 0xf0) == 0x40) {
                c->rex = b;
                b = next_byte(c);
            }
            return b;
        }
    }
}

/* A memory operand's ModRM, SIB and displacement; returns ModRM.reg. */
static uint8_t modrm(struct cursor *c)
{
    uint8_t b = next_byte(c), mod = b >> 6, rm = b & 7;

    if (mod == 3)
        c->bad = true;
    if (rm == 4) {
        uint8_t sib = next_byte(c);

        if (mod == 0 && (sib & 7) == 5)
            skip(c, 4);
    } else if (mod == 0 && rm == 5) {
        skip(c, 4);
    }
    if (mod == 1)
        skip(c, 1);
    else if (mod == 2)
        skip(c, 4);
    return b >> 3 & 7;
}

static void use_register(const struct cursor *c, struct ptw_insn *insn,
                         uint8_t reg)
{
    insn->reg = reg | (c->rex & 4 ? 8 : 0);
    if (insn->size == 1 && !c->rex && reg >= 4) {
        insn->reg = reg - 4;
        insn->high_byte = true;
    }
}

static void use_immediate(struct cursor *c, struct ptw_insn *insn,
                          unsigned size)
{
    insn->has_imm = true;
    insn->imm = immediate(c, MIN(size, 4u));
}

/* The eight operations that share one encoding scheme; CMP stores nothing. */
static bool alu_op(unsigned n, enum ptw_op *op)
{
    static const enum ptw_op ops[8] = {PTW_ADD, PTW_OR,  PTW_ADC, PTW_SBB,
                                       PTW_AND, PTW_SUB, PTW_XOR, PTW_MOV};

    *op = ops[n & 7];
    return n < 7;
}

static bool decode_two_byte(struct cursor *c, struct ptw_insn *insn)
{
    uint8_t b = next_byte(c), ext;

    switch (b) {
    case 0xab:
        insn->op = PTW_BTS;
        break;
    case 0xb3:
        insn->op = PTW_BTR;
        break;
    case 0xbb:
        insn->op = PTW_BTC;
        break;
    case 0xb0:
        insn->size = 1;
        insn->op = PTW_CMPXCHG;
        break;
    case 0xb1:
        insn->op = PTW_CMPXCHG;
        break;
    case 0xc0:
        insn->size = 1;
        insn->op = PTW_XADD;
        break;
    case 0xc1:
        insn->op = PTW_XADD;
        break;
    case 0xc3: /* MOVNTI */
        insn->op = PTW_MOV;
        break;
    case 0xba:
        ext = modrm(c);
        if (ext < 5)
            return false;
        insn->op = ext == 5 ? PTW_BTS : ext == 6 ? PTW_BTR : PTW_BTC;
        use_immediate(c, insn, 1);
        return true;
    default:
        return false;
    }
    use_register(c, insn, modrm(c));
    return true;
}

/* FE, FF, F6, F7: one operand. */
static bool decode_unary(struct cursor *c, uint8_t b, struct ptw_insn *insn)
{
    uint8_t ext = modrm(c);

    if (b >= 0xfe && ext < 2)
        insn->op = ext ? PTW_DEC : PTW_INC;
    else if (b < 0xfe && (ext == 2 || ext == 3))
        insn->op = ext == 2 ? PTW_NOT : PTW_NEG;
    else
        return false;
    return true;
}

static bool decode_one_byte(struct cursor *c, uint8_t b, struct ptw_insn *insn)
{
    if (!(b & 1))
        insn->size = 1;
    switch (b) {
    case 0x80:
    case 0x81:
    case 0x83:
        if (!alu_op(modrm(c), &insn->op))
            return false;
        use_immediate(c, insn, b == 0x81 ? insn->size : 1);
        return true;
    case 0x86:
    case 0x87:
        insn->op = PTW_XCHG;
        break;
    case 0x88:
    case 0x89:
        insn->op = PTW_MOV;
        break;
    case 0xa2:
    case 0xa3: /* accumulator to an absolute address */
        insn->op = PTW_MOV;
        skip(c, c->addrsize ? 4 : 8);
        return true;
    case 0xc6:
    case 0xc7:
        if (modrm(c))
            return false;
        insn->op = PTW_MOV;
        use_immediate(c, insn, insn->size);
        return true;
    case 0xf6:
    case 0xf7:
    case 0xfe:
    case 0xff:
        return decode_unary(c, b, insn);
    default:
        /* 00 to 31: operation in bits 3 to 5, register to memory. */
        if ((b & 0xc6) || !alu_op(b >> 3, &insn->op))
            return false;
        break;
    }
    use_register(c, insn, modrm(c));
    return true;
}

bool ptw_decode(const uint8_t *bytes, size_t n, struct ptw_insn *insn)
{
    struct cursor c = {.bytes = bytes, .n = MIN(n, 15ul)};
    uint8_t b = prefixes(&c);
    bool ok;

    *insn = (struct ptw_insn){0};
    insn->size = c.rex & 8 ? 8 : c.opsize ? 2 : 4;
    ok = b == 0x0f ? decode_two_byte(&c, insn) : decode_one_byte(&c, b, insn);
    insn->len = (uint8_t)c.at;
    return ok && !c.bad;
}

/* ---- executing ---- */

static uint64_t *gpr(struct cpu_user_regs *regs, unsigned n)
{
    static const uint8_t where[16] = {
        offsetof(struct cpu_user_regs, rax),
        offsetof(struct cpu_user_regs, rcx),
        offsetof(struct cpu_user_regs, rdx),
        offsetof(struct cpu_user_regs, rbx),
        offsetof(struct cpu_user_regs, rsp),
        offsetof(struct cpu_user_regs, rbp),
        offsetof(struct cpu_user_regs, rsi),
        offsetof(struct cpu_user_regs, rdi),
        offsetof(struct cpu_user_regs, r8),
        offsetof(struct cpu_user_regs, r9),
        offsetof(struct cpu_user_regs, r10),
        offsetof(struct cpu_user_regs, r11),
        offsetof(struct cpu_user_regs, r12),
        offsetof(struct cpu_user_regs, r13),
        offsetof(struct cpu_user_regs, r14),
        offsetof(struct cpu_user_regs, r15),
    };

    return (uint64_t *)((char *)regs + where[n & 15]);
}

static uint64_t size_mask(unsigned size)
{
    return size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

static uint64_t source(const struct ptw_insn *insn,
                       const struct cpu_user_regs *regs)
{
    uint64_t v;

    if (insn->has_imm)
        return insn->imm & size_mask(insn->size);
    v = *gpr((struct cpu_user_regs *)regs, insn->reg);
    if (insn->high_byte)
        v >>= 8;
    return v & size_mask(insn->size);
}

/* Zero, sign and parity of a result. */
static uint64_t result_flags(uint64_t v, unsigned size)
{
    uint64_t flags = 0;

    if (!v)
        flags |= FLAG_ZF;
    if (v >> (8 * size - 1))
        flags |= FLAG_SF;
    if (!__builtin_parity((unsigned)(v & 0xff)))
        flags |= FLAG_PF;
    return flags;
}

static uint64_t add(uint64_t a, uint64_t b, unsigned carry, unsigned size,
                    uint64_t *flags)
{
    uint64_t mask = size_mask(size), v = (a + b + carry) & mask;

    *flags = result_flags(v, size);
    if (v < a || (carry && v == a))
        *flags |= FLAG_CF;
    if ((a ^ v) & (b ^ v) & (mask ^ mask >> 1))
        *flags |= FLAG_OF;
    if ((a ^ b ^ v) & 0x10)
        *flags |= FLAG_AF;
    return v;
}

static uint64_t sub(uint64_t a, uint64_t b, unsigned borrow, unsigned size,
                    uint64_t *flags)
{
    uint64_t mask = size_mask(size), v = (a - b - borrow) & mask;

    *flags = result_flags(v, size);
    if (a < b || (borrow && a == b))
        *flags |= FLAG_CF;
    if ((a ^ b) & (a ^ v) & (mask ^ mask >> 1))
        *flags |= FLAG_OF;
    if ((a ^ b ^ v) & 0x10)
        *flags |= FLAG_AF;
    return v;
}

static void execute_bit(const struct ptw_insn *insn, uint64_t src, uint64_t old,
                        struct ptw_result *r)
{
    /* The address in the fault already has the far part of the offset. */
    uint64_t bit = 1ull << (src & (8 * insn->size - 1));

    r->rflags = (r->rflags & ~(uint64_t)FLAG_CF) | (old & bit ? FLAG_CF : 0);
    r->value = insn->op == PTW_BTS   ? old | bit
               : insn->op == PTW_BTR ? old & ~bit
                                     : old ^ bit;
}

static void execute_cmpxchg(const struct ptw_insn *insn, uint64_t acc,
                            uint64_t src, uint64_t old, struct ptw_result *r)
{
    uint64_t flags;

    acc &= size_mask(insn->size);
    (void)sub(acc, old, 0, insn->size, &flags);
    r->rflags = (r->rflags & ~(uint64_t)FLAGS_ALL) | flags;
    if (acc == old) {
        r->value = src;
        return;
    }
    r->store = false;
    r->set_reg = true;
    r->reg = 0;
    r->reg_value = old;
}

static void return_old(const struct ptw_insn *insn, uint64_t old,
                       struct ptw_result *r)
{
    r->set_reg = true;
    r->reg = insn->reg;
    r->high_byte = insn->high_byte;
    r->reg_value = old;
}

void ptw_execute(const struct ptw_insn *insn, const struct cpu_user_regs *regs,
                 uint64_t old, struct ptw_result *r)
{
    uint64_t src = source(insn, regs), flags = 0, keep = ~(uint64_t)FLAGS_ALL;
    unsigned size = insn->size, carry = regs->rflags & FLAG_CF;

    *r = (struct ptw_result){.store = true, .rflags = regs->rflags};
    switch (insn->op) {
    case PTW_XCHG:
        return_old(insn, old, r);
        r->value = src;
        return;
    case PTW_MOV:
        r->value = src;
        return;
    case PTW_CMPXCHG:
        execute_cmpxchg(insn, regs->rax, src, old, r);
        return;
    case PTW_BTS:
    case PTW_BTR:
    case PTW_BTC:
        execute_bit(insn, src, old, r);
        return;
    case PTW_NOT:
        r->value = ~old & size_mask(size);
        return;
    case PTW_XADD:
        return_old(insn, old, r);
        r->value = add(old, src, 0, size, &flags);
        break;
    case PTW_ADD:
        r->value = add(old, src, 0, size, &flags);
        break;
    case PTW_ADC:
        r->value = add(old, src, carry, size, &flags);
        break;
    case PTW_SUB:
        r->value = sub(old, src, 0, size, &flags);
        break;
    case PTW_SBB:
        r->value = sub(old, src, carry, size, &flags);
        break;
    case PTW_NEG:
        r->value = sub(0, old, 0, size, &flags);
        break;
    case PTW_INC:
        r->value = add(old, 1, 0, size, &flags);
        keep |= FLAG_CF;
        break;
    case PTW_DEC:
        r->value = sub(old, 1, 0, size, &flags);
        keep |= FLAG_CF;
        break;
    case PTW_AND:
    case PTW_OR:
    case PTW_XOR:
        r->value = insn->op == PTW_AND  ? old & src
                   : insn->op == PTW_OR ? old | src
                                        : old ^ src;
        flags = result_flags(r->value, size);
        break;
    }
    r->rflags = (r->rflags & keep) | (flags & ~keep);
}

void ptw_commit(const struct ptw_insn *insn, const struct ptw_result *r,
                struct cpu_user_regs *regs)
{
    uint64_t *reg = gpr(regs, r->reg), mask = size_mask(insn->size);

    regs->rflags = r->rflags;
    if (!r->set_reg)
        return;
    if (r->high_byte)
        *reg = (*reg & ~0xff00ull) | (r->reg_value & 0xff) << 8;
    else if (insn->size == 4) /* writes of 32 bits clear the upper half */
        *reg = r->reg_value;
    else
        *reg = (*reg & ~mask) | (r->reg_value & mask);
}
