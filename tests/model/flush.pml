/*
 * A frame that lost its mapping is used anew only when no CPU can still reach
 * it through a stale translation, though nobody flushes when a mapping goes.
 * Mirrors mm/tlb.c: tlb_load_cr3(), tlb_stale(), tlb_flush_mask(),
 * tlb_serve_requests(); mm/frametype.c: frame_type_put() takes the stamp,
 * first_use() asks. The clock is wide enough not to wrap here.
 *
 * CPU 0 takes the mapping away and reuses the frame; CPU 1 runs the guest,
 * whose hardware loads translations and switches roots when it likes.
 */
bool pte = true;          /* the entry in memory */
bool tlb = false;         /* CPU 1 has the translation */
byte clock = 1, flushed_at = 1;
byte requested = 0, served = 0;
bool reused = false;      /* the frame is somebody else's */
bool over = false;

/* A load of CR3 that counts. What is in the tables may be loaded any time. */
inline load_cr3() {
    atomic { clock++; tick = clock };
    tlb = false;
    flushed_at = tick
}

active proctype guest_cpu() {
    byte tick, want, n = 0;
    do
    :: over -> break
    :: atomic { pte -> tlb = true }          /* the walker; nobody asks it */
    :: atomic { tlb -> assert(!reused) }     /* an access through it */
    :: n < 3 -> n++; tlb = false             /* pv_toggle_mode: not counted */
    :: n < 3 -> n++; load_cr3()              /* a context switch */
    :: requested != served ->                /* VECTOR_FLUSH, spin_wait() */
        want = requested;
        load_cr3();
        served = want
    od
}

active proctype hypervisor() {
    byte stamp, ticket;
#ifndef BROKEN
    pte = false;                             /* the entry is exchanged */
    stamp = clock;                           /* then the stamp is taken */
#else
    stamp = clock;
    pte = false;
#endif
    /* Time passes, or not; then the frame shall become something else. */
    if
    :: flushed_at <= stamp ->
        atomic { requested++; ticket = requested };
        served >= ticket
    :: else
    fi;
    reused = true;
    assert(!tlb);
    over = true
}
