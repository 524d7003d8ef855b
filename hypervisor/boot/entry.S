/*
 * The first instruction: Multiboot 1 and 2 both enter in 32-bit mode without
 * paging. Tables of 4 GiB appear at three places (one to one, in the direct
 * map, at the image's address), then C runs at the image's address.
 */
#include "boot/asm.h"
#include "mm/layout.h"

#define PHYS(sym) (sym - IMAGE_START)
#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x3 /* modules on page bounds, memory map please */
#define MB2_MAGIC 0xe85250d6

    .section .multiboot, "a"
    .balign 8
    .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
    .balign 8
mb2_header:
    .long MB2_MAGIC, 0, mb2_end - mb2_header
    .long -(MB2_MAGIC + (mb2_end - mb2_header))
    .short 5, 1 /* a frame buffer of any mode, if it has one anyway */
    .long 20, 0, 0, 0
    .balign 8
    .short 6, 0 /* modules on page bounds */
    .long 8
    .short 0, 0
    .long 8
mb2_end:

    .section .init.text, "ax"
    .code32
    .globl image_entry
    .hidden image_entry
image_entry:
    cli
    cld
    mov %eax, %ebp /* magic */
    mov %ebx, %esi /* information */
    lgdt PHYS(boot_gdt_pointer)
    ljmp $0x08, $PHYS(1f)
1:  mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $PHYS(boot_stack_top), %esp

    mov $0x80000000, %eax
    cpuid
    cmp $0x80000001, %eax
    jb no_long_mode
    mov $0x80000001, %eax
    cpuid
    bt $29, %edx
    jnc no_long_mode
    and $1 << 20, %edx /* NX, which start() asks for */
    mov %edx, %ebx

    /* 2048 large pages, present and writable. */
    mov $PHYS(boot_l2), %edi
    mov $0x83, %eax
    mov $2048, %ecx
2:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 2b

    mov $PHYS(boot_l2) + 3, %eax
    mov $PHYS(boot_l3), %edi
    mov $4, %ecx
3:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    loop 3b

    mov $PHYS(boot_l3) + 3, %eax
    mov $PHYS(boot_l4), %edi
    mov %eax, (%edi)
    mov %eax, 8 * ((IMAGE_START >> 39) & 511)(%edi)
    mov %eax, 8 * ((DIRECTMAP_START >> 39) & 511)(%edi)
    mov %edi, %cr3

    mov $0x20, %eax /* CR4.PAE */
    mov %eax, %cr4
    mov $0xc0000080, %ecx
    rdmsr
    or $0x100, %eax /* EFER.LME, and NXE from bit 20 */
    shr $20 - 11, %ebx
    or %ebx, %eax
    wrmsr
    mov $0x80010033, %eax /* CR0: PG WP NE ET MP PE */
    mov %eax, %cr0
    ljmp $0x18, $PHYS(4f)

no_long_mode:
    mov $PHYS(no_long_mode_text), %esi
    mov $0x3f8, %edx
    mov $0x0f, %ah
    mov $0xb8000, %edi
5:  lodsb
    test %al, %al
    jz 6f
    outb %al, %dx
    stosw
    jmp 5b
6:  cli
    hlt
    jmp 6b

    .code64
4:  movabs $5f, %rax
    jmp *%rax
5:  movabs $boot_gdt_pointer_high, %rax
    lgdt (%rax)
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    mov %eax, %ss
    lea boot_stack_top(%rip), %rsp
    sub $CPU_INFO_ROOM, %rsp
    mov %ebp, %edi /* magic; the information's address is in %esi */
    mov %esi, %esi
    xor %ebp, %ebp
    call start
    ud2

/* void secondary_entry(void): other CPUs come here from trampoline.S. */
    .globl secondary_entry
    .hidden secondary_entry
secondary_entry:
    movabs $boot_gdt_pointer_high, %rax
    lgdt (%rax)
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    mov %eax, %ss
    mov smp_cr3(%rip), %rax
    mov %rax, %cr3
    mov smp_stack(%rip), %rsp
    and $-16, %rsp
    mov smp_cpu(%rip), %edi
    xor %ebp, %ebp
    call start_secondary
    ud2

    .section .init.data, "aw"
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff /* 0x08 32-bit code */
    .quad 0x00cf93000000ffff /* 0x10 data */
    .quad 0x00af9b000000ffff /* 0x18 64-bit code */
boot_gdt_end:
boot_gdt_pointer:
    .short boot_gdt_end - boot_gdt - 1
    .long PHYS(boot_gdt)
boot_gdt_pointer_high:
    .short boot_gdt_end - boot_gdt - 1
    .quad boot_gdt
no_long_mode_text:
    .asciz "Paravane needs a 64-bit CPU (x86-64). Halted.\r\n"

    .balign 4096
    .globl boot_l4
    .hidden boot_l4
boot_l4:
    .fill 4096, 1, 0
boot_l3:
    .fill 4096, 1, 0
boot_l2:
    .fill 4 * 4096, 1, 0

    .balign BOOT_STACK_SIZE
    .fill BOOT_STACK_SIZE, 1, 0
boot_stack_top:

/*
 * void stack_switch(uintptr_t sp, void (*fn)(void)): go on in fn, which does
 * not return, on another stack.
 */
    .section .init.text, "ax"
    .globl stack_switch
    .hidden stack_switch
stack_switch:
    mov %rdi, %rsp
    and $-16, %rsp
    xor %ebp, %ebp
    call *%rsi
    ud2
    .section .note.GNU-stack, "", @progbits
