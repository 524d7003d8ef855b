/*
 * A vCPU runs on one CPU at a time, is not moved while its registers are being
 * saved, and does not sleep through a wake.
 * Mirrors sched/sched.c: sched_wake(), sched_switch(), release(), steal(), and
 * sched/sched-op.c: op_block(). Two CPUs, one vCPU that blocks again and again,
 * one waker.
 */
#define WAKES 3
mtype = { BLOCKED, RUNNABLE, RUNNING };
mtype state = RUNNABLE;
bool running = false;      /* registers live on a CPU */
bool blocked = false, event = false;
byte cpu = 0;              /* the queue it belongs to */
bool lock[2];
bool work[2];              /* WORK_SCHED */
byte inside = 0;           /* CPUs that have its registers */
byte wakes = 0, slept = 0;
bool over = false;

inline acquire(q) { atomic { !lock[q] -> lock[q] = true } }
inline release_lock(q) { lock[q] = false }

/* lock_queue_of() */
inline lock_queue(q) {
    do
    :: q = cpu;
       acquire(q);
       if
       :: cpu == q -> break
       :: else -> release_lock(q)
       fi
    od
}

inline wake(q) {
    lock_queue(q);
    if
    :: state == BLOCKED && !blocked ->
        if
        :: !running ->                           /* choose_cpu(): either */
            if
            :: cpu = 1 - q;
               release_lock(q);
               lock_queue(q)
            :: skip
            fi
        :: else
        fi;
        if
        :: state == BLOCKED && !blocked -> state = RUNNABLE; work[q] = true
        :: else -> work[q] = true
        fi
    :: else
    fi;
    release_lock(q)
}

proctype hardware_cpu(byte me) {
    byte q;
    bool mine = false, leave, took;
    work[me] = true;
    do
    :: over && !mine -> break
    :: mine && !work[me] ->                      /* the guest runs: blocks */
        blocked = true;
        if
        :: event -> event = false; blocked = false
        :: else -> work[me] = true
        fi
    :: mine && over -> break
    :: work[me] ->                               /* sched_switch() */
        work[me] = false;
        leave = false;
        took = false;
        acquire(me);
        if
        :: mine && blocked ->
            state = BLOCKED; leave = true
        :: !mine && cpu == me && state == RUNNABLE ->
            /* enter(): at its own CPU it may still be saved: same stack. */
            state = RUNNING; running = true; took = true
        :: else
        fi;
        release_lock(me);
        if
        :: leave ->
            inside--;                            /* vcpu_context_switch() */
            mine = false;
            running = false;                     /* release() */
            if
            :: state == BLOCKED && !blocked -> wake(q)
            :: else
            fi;
            if
            :: state == RUNNABLE && cpu == me -> work[me] = true
            :: else
            fi
        :: took ->
            inside++;
            assert(inside == 1);
            mine = true;
            slept++
        :: else
        fi
    :: !mine && !work[me] ->                     /* steal(): only tries */
        if
        :: atomic { !lock[1 - me] -> lock[1 - me] = true };
            if
#ifndef BROKEN
            :: cpu == 1 - me && state == RUNNABLE && !running ->
#else
            :: cpu == 1 - me && state == RUNNABLE ->
#endif
                cpu = me;
                work[me] = true
            :: else
            fi;
            release_lock(1 - me)
        :: else
        fi
    od
}

proctype waker() {
    byte q;
    do
    :: wakes < WAKES ->
        wakes++;
        event = true;                            /* then vcpu_kick() */
        if
        :: blocked -> blocked = false; wake(q)
        :: else
        fi
    :: else -> break
    od;
    /* What was raised last is seen: it runs, or is about to, or took it. */
    (!event || !blocked);
    over = true
}

init {
    atomic { run hardware_cpu(0); run hardware_cpu(1); run waker() }
}
