/*
 * The ELF32 file around the linked image: one segment, loaded where the ABI of
 * Multiboot 1 and 2 wants it. Assembled and taken as plain bytes.
 */
#include "mm/layout.h"

    .data
    .byte 0x7f, 'E', 'L', 'F', 1, 1, 1, 0 /* 32-bit, little-endian */
    .quad 0
    .short 2, 3                /* ET_EXEC, EM_386 */
    .long 1, image_entry_phys, program_header, 0, 0
    .short 52, 32, 1, 40, 0, 0 /* one program header, no sections */
    .set program_header, 52
    .long 1, 4096, IMAGE_PHYS, IMAGE_PHYS, image_bytes, image_mem_size_phys
    .long 7, 4096              /* the loader does not look at permissions */
    .org 4096
begin:
    .incbin IMAGE_FILE
    .set image_bytes, . - begin
