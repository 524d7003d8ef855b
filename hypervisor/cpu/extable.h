/*
 * Instructions of ours that may fault, and where to go on when they do. An
 * entry is a pair of offsets relative to themselves, so the table needs no
 * relocation. A fix-up finds every register as the fault left it.
 */
#ifndef CPU_EXTABLE_H
#define CPU_EXTABLE_H

#ifdef __ASSEMBLY__
#define _ASM_EXTABLE(from, to)                                                 \
    .pushsection __ex_table, "a";                                              \
    .balign 4;                                                                 \
    .long from -.;                                                             \
    .long to -.;                                                               \
    .popsection
#else
/* Inside an asm statement; both are local labels as strings: "1b", "2b". */
#define _ASM_EXTABLE(from, to)                                                 \
    ".pushsection __ex_table, \"a\"\n"                                         \
    ".balign 4\n"                                                              \
    ".long " from " - .\n"                                                     \
    ".long " to " - .\n"                                                       \
    ".popsection\n"
#endif

#endif
