/* The instructions that a PV guest's privileged code is made of. PORTABLE. */
#ifndef PV_INSN_H
#define PV_INSN_H

#include "lib/lib.h"

#define INSN_MAX_LENGTH 15
#define INSN_TWO_BYTE   0x100 /* in opcode: behind 0f */

struct insn {
    uint16_t opcode; /* INSN_TWO_BYTE | second byte */
    uint8_t length;
    uint8_t op_bytes;  /* of IN, OUT, INS, OUTS: 1, 2, 4 */
    uint8_t imm;       /* port of IN and OUT */
    uint8_t modrm;     /* of 0f 01 and of moves to and from CR and DR */
    uint8_t reg, rm;   /* its fields, REX included */
    bool rep;          /* f2 or f3 */
    bool addr32;       /* 67 */
    bool segment_base; /* an FS or GS override */
};

/*
 * Decode the instruction in `bytes`, of which `nr` are there. 0; -EINVAL when
 * it is none of ours, has a LOCK prefix or needs more bytes.
 */
int insn_decode(const uint8_t *bytes, size_t nr, bool long_mode,
                struct insn *insn);

#endif
