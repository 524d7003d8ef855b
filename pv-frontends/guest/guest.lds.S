#include <layout.h>
OUTPUT_FORMAT("elf64-x86-64")
ENTRY(_start)
PHDRS
{
    text PT_LOAD FLAGS(5);
    data PT_LOAD FLAGS(6);
    note PT_NOTE FLAGS(4);
}
SECTIONS
{
    . = VIRT_BASE + LOAD_PADDR;
    .text : AT(ADDR(.text) - VIRT_BASE) { *(.text .text.*) } :text
    .rodata : AT(ADDR(.rodata) - VIRT_BASE) { *(.rodata .rodata.*) } :text
    .note.Xen : AT(ADDR(.note.Xen) - VIRT_BASE) { KEEP(*(.note.Xen)) } :text :note
    . = ALIGN(4096);
    .data : AT(ADDR(.data) - VIRT_BASE) { *(.data .data.*) } :data
    .bss : AT(ADDR(.bss) - VIRT_BASE) { *(.bss .bss.*) } :data
    . = ALIGN(4096);
    /DISCARD/ : { *(.comment) *(.eh_frame) *(.note.gnu.*) }
}
