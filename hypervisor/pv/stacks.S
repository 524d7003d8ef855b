/*
 * Where the CPUs' stacks are, as a symbol: the system call stubs address them
 * relative to RIP, which the assembler does for symbols of other files only.
 */
#include "mm/layout.h"

    .globl cpu_stacks
    .hidden cpu_stacks
    .set cpu_stacks, 0xffff818020000000
    .type cpu_stacks, @object

    .section .note.GNU-stack, "", @progbits
