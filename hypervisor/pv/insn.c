/* Prefixes, opcode, ModRM: enough for what privop.c carries out. */
#include "pv/insn.h"

enum form {
    NONE,  /* not ours */
    PLAIN, /* the opcode alone */
    IMM8,  /* and a byte */
    MODRM, /* a ModRM byte that names registers, whatever its mod field */
    GROUP  /* a ModRM byte that is part of the opcode, mod 3 only */
};

static enum form form_of(uint16_t opcode)
{
    switch (opcode) {
    case 0x6c ... 0x6f: /* INS, OUTS */
    case 0xec ... 0xef: /* IN, OUT with DX */
    case 0xfa:          /* CLI */
    case 0xfb:          /* STI */
        return PLAIN;
    case 0xe4 ... 0xe7: /* IN, OUT with a constant */
        return IMM8;
    case INSN_TWO_BYTE | 0x06: /* CLTS */
    case INSN_TWO_BYTE | 0x08: /* INVD */
    case INSN_TWO_BYTE | 0x09: /* WBINVD */
    case INSN_TWO_BYTE | 0x30 ... INSN_TWO_BYTE | 0x32:
        return PLAIN;          /* WRMSR, RDTSC, RDMSR */
    case INSN_TWO_BYTE | 0xa2: /* CPUID */
        return PLAIN;
    case INSN_TWO_BYTE | 0x20 ... INSN_TWO_BYTE | 0x23:
        return MODRM;          /* MOV to and from CR, DR */
    case INSN_TWO_BYTE | 0x01: /* XSETBV, RDTSCP */
        return GROUP;
    default:
        return NONE;
    }
}

static bool is_prefix(uint8_t byte, struct insn *i, bool *op16)
{
    switch (byte) {
    case 0x66:
        *op16 = true;
        return true;
    case 0x67:
        i->addr32 = true;
        return true;
    case 0xf2:
    case 0xf3:
        i->rep = true;
        return true;
    case 0x64:
    case 0x65:
        i->segment_base = true;
        return true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
        return true;
    default:
        return false;
    }
}

/* Even opcodes of the port instructions move bytes. */
static uint8_t port_bytes(uint16_t opcode, bool op16)
{
    return !(opcode & 1) ? 1 : op16 ? 2 : 4;
}

int insn_decode(const uint8_t *bytes, size_t nr, bool long_mode, struct insn *i)
{
    size_t pos = 0, max = MIN(nr, (size_t)INSN_MAX_LENGTH);
    bool op16 = false;
    uint8_t rex = 0;
    enum form form;

    memset(i, 0, sizeof(*i));
    while (pos < max && is_prefix(bytes[pos], i, &op16))
        pos++;
    if (long_mode && pos < max && (bytes[pos] & 0xf0) == 0x40)
        rex = bytes[pos++];

    if (pos >= max)
        return -EINVAL;
    i->opcode = bytes[pos++];
    if (i->opcode == 0x0f) {
        if (pos >= max)
            return -EINVAL;
        i->opcode = INSN_TWO_BYTE | bytes[pos++];
    }

    form = form_of(i->opcode);
    if (form == NONE || (form != PLAIN && pos >= max))
        return -EINVAL;
    if (form == IMM8)
        i->imm = bytes[pos++];
    if (form == MODRM || form == GROUP) {
        i->modrm = bytes[pos++];
        i->reg = (i->modrm >> 3 & 7) | (rex & 4) << 1;
        i->rm = (i->modrm & 7) | (rex & 1) << 3;
    }
    if (form == GROUP && i->modrm < 0xc0)
        return -EINVAL;

    i->op_bytes = port_bytes(i->opcode, op16);
    i->length = (uint8_t)pos;
    return 0;
}
