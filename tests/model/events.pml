/*
 * An event that was sent is handled: no order of sending, masking, unmasking,
 * going to sleep and closing the other end loses it.
 * Mirrors evtchn/evtchn-2l.c: e2l_set_pending(), select_word(), e2l_unmask();
 * evtchn/evtchn.c: evtchn_send(), disconnect(); evtchn/internal.h:
 * evtchn_mark_vcpu();
 * domain/vcpu.c: vcpu_kick(); sched/sched-op.c: op_block(),
 * sleep_unless_pending(). The guest's side is what the ABI asks of a kernel.
 */
#define SENDS 2
bool pending = false, masked = false, selected = false;
bool upcall = false;                   /* evtchn_upcall_pending */
bool upcall_masked = true;
bool blocked = false;                  /* unit.blocked */
bool bound = true;                     /* the sender's end */
bool chn_lock = false;
byte sent = 0, seen = 0;
bool senders_done = false;

inline lock()   { atomic { !chn_lock -> chn_lock = true } }
inline unlock() { chn_lock = false }

inline mark_vcpu() {
    atomic { was = upcall; upcall = true };
    if
    :: !was && blocked -> blocked = false       /* vcpu_kick, vcpu_wake */
    :: else                                     /* runs: an interrupt, below */
    fi
}

inline select_word() {
    atomic { was = selected; selected = true };
    if
    :: !was -> mark_vcpu()
    :: else
    fi
}

active proctype sender() {
    bool was;
    byte n = 0;
    do
    :: n < SENDS ->
        n++;
        lock();
        if
        :: bound ->
            sent = n;
            atomic { was = pending; pending = true };
            if
            :: !was && !masked -> select_word()
            :: else
            fi
        :: else
        fi;
        unlock()
    :: n == SENDS -> break
    od;
    lock(); bound = false; unlock();            /* and closes its end */
    senders_done = true
}

/* Handles all that is selected; leaves the port masked or not, as it likes. */
inline handle() {
    upcall = false;
    atomic { was_selected = selected; selected = false };
    if
    :: was_selected && pending && !masked ->
        if
        :: masked = true                        /* as for a level interrupt */
        :: skip
        fi;
        pending = false;
        seen = sent
    :: else
    fi
}

inline unmask() {                               /* EVTCHNOP_unmask */
    lock();
    atomic { was = masked; masked = false };
    if
    :: was && pending -> select_word()
    :: else
    fi;
    unlock()
}

active proctype guest() {
    bool was, was_selected;
    do
    :: handle(); unmask()
    :: masked = true; unmask()
    :: upcall_masked = false;                   /* op_block() */
#ifndef BROKEN
       blocked = true;
       was = upcall;
#else
       was = upcall;
       blocked = true;
#endif
       if
       :: was -> blocked = false
       :: else -> (!blocked || senders_done);
          /* Asleep with the sender gone: then nothing may be left over. */
          if
          :: blocked -> break
          :: else
          fi
       fi;
       upcall_masked = true;
       blocked = false
    od;
    assert(!pending && seen == sent)
}
