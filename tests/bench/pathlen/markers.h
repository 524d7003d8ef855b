/*
 * How the guest tells the plugin where an operation begins and ends: a no-op
 * with one of these as its displacement, in kernel or user mode. C and
 * assembly.
 */
#ifndef PATHLEN_MARKERS_H
#define PATHLEN_MARKERS_H

#define MARK_BEGIN 0x50560100 /* + the operation's number, below 256 */
#define MARK_END   0x50560200 /* of whatever has begun */

#ifdef __ASSEMBLY__
/* clang-format off */
.macro MARK displacement:req
    .byte 0x0f, 0x1f, 0x80
    .long \displacement
.endm
/* clang-format on */
#else
#define MARK(displacement)                                                     \
    __asm__ volatile(".byte 0x0f, 0x1f, 0x80; .long %c0" ::"i"(displacement)   \
                     : "memory")
#define BEGIN(op) MARK(MARK_BEGIN + (op))
#define END()     MARK(MARK_END)
#endif

#endif
