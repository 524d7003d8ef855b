/* The guest's first process (init.c), as bytes of pvn. */
    .section .rodata
    .globl run_init_begin, run_init_end
    .balign 16
run_init_begin:
    .incbin RUN_INIT
run_init_end:
    .section .note.GNU-stack, "", @progbits
