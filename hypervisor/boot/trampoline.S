/*
 * What another CPU runs first: copied to a page below 640 KiB, entered in real
 * mode with CS = page << 8. It goes straight to long mode, on the tables of
 * entry.S (which map that page one to one), and on to secondary_entry.
 */
#include "boot/asm.h"
#include "mm/layout.h"

    .section .init.data, "aw"
    .globl trampoline_start, trampoline_far, trampoline_gdt_base
    .hidden trampoline_start, trampoline_far, trampoline_gdt_base
    .balign 16
    .code16
trampoline_start:
    jmp 1f
    .org TRAMPOLINE_CR3
trampoline_cr3:
    .long 0
    .globl trampoline_efer
    .hidden trampoline_efer
trampoline_efer:
    .long 0
1:  cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    lgdtl trampoline_gdt_pointer - trampoline_start
    mov $0x20, %eax /* CR4.PAE */
    mov %eax, %cr4
    mov trampoline_cr3 - trampoline_start, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    xor %edx, %edx
    mov trampoline_efer - trampoline_start, %eax
    wrmsr
    mov $0x80010033, %eax /* CR0: PG WP NE ET MP PE */
    mov %eax, %cr0
    ljmpl *(trampoline_far - trampoline_start)

    .code64
2:  movabs $secondary_entry, %rax
    jmp *%rax

    .balign 8
trampoline_far: /* smp.c adds the page's address */
    .long 2b - trampoline_start
    .short 8
    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00af9b000000ffff
    .short 0 /* so that smp.c finds the base aligned */
trampoline_gdt_pointer:
    .short 15
trampoline_gdt_base: /* here too */
    .long trampoline_gdt - trampoline_start
    .org trampoline_start + TRAMPOLINE_SIZE
    .section .note.GNU-stack, "", @progbits
