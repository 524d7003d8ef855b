/*
 * The image: linked at IMAGE_START + physical address, loaded at IMAGE_PHYS.
 * Sections of one permission share pages (mm/hvmap.c). What only boot needs
 * sits in .init.*, the decompression libraries included, and is freed.
 */
#include "mm/layout.h"

OUTPUT_ARCH(i386:x86-64)
ENTRY(image_entry)

SECTIONS
{
    . = IMAGE_START + IMAGE_PHYS;
    image_start = .;
    .text : AT(ADDR(.text) - IMAGE_START) {
        KEEP(*(.multiboot))
        *(EXCLUDE_FILE(*.a:*) .text EXCLUDE_FILE(*.a:*) .text.*)
    }
    . = ALIGN(4096);
    text_end = .;
    init_text_start = .;
    .init.text : AT(ADDR(.init.text) - IMAGE_START) {
        *(.init.text)
        *(.text .text.*)
    }
    . = ALIGN(4096);
    init_text_end = .;
    rodata_start = .;
    .rodata : AT(ADDR(.rodata) - IMAGE_START) {
        *(EXCLUDE_FILE(*.a:*) .rodata EXCLUDE_FILE(*.a:*) .rodata.*)
        *(EXCLUDE_FILE(*.a:*) .data.rel.ro EXCLUDE_FILE(*.a:*) .data.rel.ro.*)
        *(.got .got.plt)
        . = ALIGN(8);
        __ex_table_start = .;
        KEEP(*(__ex_table))
        __ex_table_end = .;
        . = ALIGN(8);
        KEEP(*(.symtab.ours))
    }
    . = ALIGN(4096);
    rodata_end = .;
    init_data_start = .;
    .init.data : AT(ADDR(.init.data) - IMAGE_START) {
        *(.init.data)
        *.a:*(.rodata .rodata.* .data .data.* .bss .bss.* COMMON)
        *(.init.rodata)
    }
    . = ALIGN(4096);
    init_data_end = .;
    .data : AT(ADDR(.data) - IMAGE_START) {
        *(.data .data.*)
        . = ALIGN(4096);
    }
    .bss : AT(ADDR(.bss) - IMAGE_START) {
        *(.bss .bss.* COMMON)
        . = ALIGN(4096);
    }
    image_end = .;

    image_entry_phys = image_entry - IMAGE_START;
    image_mem_size_phys = image_end - image_start;

    /DISCARD/ : {
        *(.comment .note .note.* .eh_frame .eh_frame_hdr)
    }
    .debug_info 0 : { *(.debug_info) }
    .debug_abbrev 0 : { *(.debug_abbrev) }
    .debug_aranges 0 : { *(.debug_aranges) }
    .debug_line 0 : { *(.debug_line) }
    .debug_line_str 0 : { *(.debug_line_str) }
    .debug_str 0 : { *(.debug_str) }
    .debug_str_offsets 0 : { *(.debug_str_offsets) }
    .debug_addr 0 : { *(.debug_addr) }
    .debug_ranges 0 : { *(.debug_ranges) }
    .debug_rnglists 0 : { *(.debug_rnglists) }
    .debug_loc 0 : { *(.debug_loc) }
    .debug_loclists 0 : { *(.debug_loclists) }
    .debug_frame 0 : { *(.debug_frame) }
}

/* The system-call stubs reach the stacks by 32-bit offsets from RIP. */
ASSERT(image_end < CPU_STACKS_START, "the image runs into the stacks")
