/*
 * When a granter sees its entry free, no CPU of the mapper can reach the page.
 * Mirrors grant/map.c: gnttab_map(), grant/gnttab.c: status_set(), grant_unpin(),
 * grant/unmap.c: gnttab_unmap_begin(), gnttab_unmap_end() with the flush
 * between; the granter ends access as kernels do, by compare and exchange of
 * an entry that is not in use.
 */
mtype = { NONE, LIVE, CLAIMED };
bool permit = true, reading = false;   /* the entry, one word */
byte pins = 0;
bool pte = false, tlb = false;         /* the mapper's table, another CPU's */
mtype mapping = NONE;
byte inflight = 0;
bool ended = false;                    /* the granter uses the page itself */
byte unmappers_done = 0;

inline unpin() {
    atomic {
        pins--;
        if
        :: pins == 0 -> reading = false
        :: else
        fi
    }
}

proctype mapper() {
    bool mine;
    /* grant_pin() under the table's lock. */
    atomic {
        if
        :: permit -> reading = true; pins++; mine = true
        :: else -> mine = false
        fi
    };
    if
    :: mine ->
        pte = true;                    /* gnttab_pte_map() */
        mapping = LIVE                 /* the handle answers from here */
    :: else
    fi
}

/* Two vCPUs unmap the same handle at once. */
proctype unmapper() {
    bool claimed, last;
    (mapping != NONE || ended);
    atomic {                           /* claim(), map_lock */
        claimed = (mapping == LIVE);
        if
        :: claimed -> mapping = CLAIMED; inflight++
        :: else
        fi
    };
    if
    :: claimed ->
        pte = false;                   /* gnttab_pte_unmap() */
#ifndef BROKEN
        tlb = false;                   /* gnttab_flush() waits for all CPUs */
#endif
        atomic { inflight--; last = (inflight == 0) };
        if
        :: last -> unpin()
        :: else
        fi;
        tlb = false
    :: else
    fi;
    unmappers_done++
}

proctype mappers_cpu() {
    do
    :: atomic { pte -> tlb = true }
    :: atomic { tlb -> assert(!ended) }
    :: unmappers_done == 2 -> break
    od
}

proctype granter() {
    do
    :: atomic { permit && !reading -> permit = false; ended = true }; break
    :: unmappers_done == 2 && reading -> break   /* never */
    od;
    assert(ended);
    assert(!pte && !tlb)
}

init {
    atomic {
        run mapper(); run unmapper(); run unmapper();
        run mappers_cpu(); run granter()
    }
}
