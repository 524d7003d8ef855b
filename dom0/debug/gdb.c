#include "dom0/debug/gdb.h"

#include "dom0/debug/breaks.h"
#include "dom0/debug/packet.h"
#include "dom0/debug/regs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RFLAGS_TF 0x100ull
#define DR6_STEP  0x4000ull /* a step has ended */
#define DR6_HITS  0xfull    /* hardware breakpoints */

/* As the protocol numbers them. */
enum { SIG_INT = 2, SIG_TRAP = 5, SIG_SEGV = 11, SIG_TERM = 15, SIG_STOP = 17 };
enum { TRAP_BP = 3, MEMORY_MAX = 4096, XML_MAX = 8192 };
enum { STEP_LOOKS = 2500, QUIET_LOOKS = 500 };

struct gdb {
    struct target *t;
    void (*send)(void *arg, const char *bytes, size_t n);
    void *arg;
    struct packet in;
    char out[PACKET_MAX + 8], reply[PACKET_MAX + 1];
    struct breaks breaks;
    bool ran_before, can_catch, running, leave, no_ack;
    unsigned int vcpu;   /* the one gdb looks at */
    int stepping;        /* the one that makes a step; -1: none */
    unsigned int signal; /* of the last stop */
    char why[64];        /* more about it */
    unsigned int nr_quiet;
};

/* --- replies ---------------------------------------------------------------*/

static void send_text(struct gdb *g, const char *text)
{
    g->send(g->arg, g->out, packet_frame(text, strlen(text), g->out));
}

static void send_error(struct gdb *g, int rc)
{
    char text[8];

    snprintf(text, sizeof(text), "E%02x", -rc & 0xff);
    send_text(g, text);
}

static void send_result(struct gdb *g, int rc)
{
    if (rc)
        send_error(g, rc);
    else
        send_text(g, "OK");
}

static void send_stop(struct gdb *g)
{
    char text[128];

    if (target_state(g->t) == TARGET_GONE) {
        send_text(g, "X09");
        return;
    }
    snprintf(text, sizeof(text), "T%02xthread:%x;%s", g->signal, g->vcpu + 1,
             g->why);
    send_text(g, text);
}

/* --- stopping and going ----------------------------------------------------*/

/* What a vCPU has met. */
enum meeting {
    MET_NOTHING,
    MET_PASSING, /* what gdb need not hear of */
    MET_STOP     /* a breakpoint of gdb's, the end of a step */
};

static enum meeting hard_met(struct gdb *g, int hit)
{
    static const char *const words[] = {[BREAK_WRITE] = "watch",
                                        [BREAK_READ] = "rwatch",
                                        [BREAK_ACCESS] = "awatch"};
    enum break_type type = g->breaks.hard[hit].type;

    if (type == BREAK_EXECUTE)
        snprintf(g->why, sizeof(g->why), "hwbreak:;");
    else
        snprintf(g->why, sizeof(g->why), "%s:%llx;", words[type],
                 (unsigned long long)g->breaks.hard[hit].address);
    return MET_STOP;
}

static enum meeting what_met(struct gdb *g, unsigned int v,
                             struct vcpu_guest_context *c)
{
    int hit = breaks_hit(&g->breaks, c->debugreg[6]);

    g->why[0] = 0;
    if (breaks_is_soft(&g->breaks, c->user_regs.rip - 1) &&
        g->stepping != (int)v) {
        c->user_regs.rip--;
        c->user_regs.entry_vector = 0;
        snprintf(g->why, sizeof(g->why), "swbreak:;");
        return MET_STOP;
    }
    if (hit >= 0)
        return hard_met(g, hit);
    /* Of one that was given up, or asked for by a flag that gdb set by hand,
     * nobody waits for the end. */
    if (c->debugreg[6] & DR6_STEP)
        return g->stepping == (int)v ? MET_STOP : MET_PASSING;
    /*
     * The kernel's own int3: it has them in code that it is patching, for
     * kprobes, to try them. Setting the registers as they are gives it back.
     */
    return c->user_regs.entry_vector == TRAP_BP ? MET_PASSING : MET_NOTHING;
}

static enum meeting has_met(struct gdb *g, unsigned int v)
{
    struct vcpu_guest_context c;
    enum meeting met;

    if (target_registers(g->t, v, &c))
        return MET_NOTHING;
    met = what_met(g, v, &c);
    if (met == MET_NOTHING)
        return met;
    if (met == MET_STOP || g->stepping != (int)v)
        c.user_regs.rflags &= ~RFLAGS_TF;
    c.debugreg[6] = 0;
    (void)target_set_registers(g->t, v, &c);
    return met;
}

/* No step is under way any more: without us its end would be a trap. */
static void give_up_step(struct gdb *g, unsigned int v)
{
    struct vcpu_guest_context c;

    if (target_registers(g->t, v, &c) || !(c.user_regs.rflags & RFLAGS_TF))
        return;
    c.user_regs.rflags &= ~RFLAGS_TF;
    (void)target_set_registers(g->t, v, &c);
}

static unsigned int signal_of(enum target_state state, unsigned int otherwise)
{
    return state == TARGET_CRASHED ? (unsigned int)SIG_SEGV
           : state == TARGET_ENDED ? (unsigned int)SIG_TERM
                                   : otherwise;
}

/* The guest stands still: find out who stopped it and why. */
static enum meeting stopped(struct gdb *g, unsigned int signal)
{
    enum meeting most = MET_NOTHING;
    char why[sizeof(g->why)] = "";

    g->running = false;
    g->signal = signal_of(target_state(g->t), signal);
    /* All of them: two may have met breakpoints at once. */
    for (unsigned int v = 0; v < target_nr_vcpus(g->t); v++) {
        enum meeting met = has_met(g, v);

        if (met == MET_STOP && most != MET_STOP) {
            g->vcpu = v;
            memcpy(why, g->why, sizeof(why));
        }
        most = met > most ? met : most;
    }
    memcpy(g->why, why, sizeof(why));
    return most;
}

/* Has a vCPU met something since we looked at it? */
static bool has_news(struct gdb *g)
{
    struct vcpu_guest_context c;

    for (unsigned int v = 0; v < target_nr_vcpus(g->t); v++)
        if (!target_registers(g->t, v, &c) &&
            (c.user_regs.entry_vector == TRAP_BP ||
             c.debugreg[6] & (DR6_STEP | DR6_HITS) ||
             breaks_is_soft(&g->breaks, c.user_regs.rip - 1)))
            return true;
    return false;
}

/*
 * All pauses are taken back, which may be several. It may also run and be
 * stopped anew while we look, and that pause is not to be taken back: its vCPU
 * stands behind a breakpoint.
 */
static int go(struct gdb *g)
{
    int rc;

    do
        rc = target_go(g->t);
    while (!rc && target_state(g->t) == TARGET_STOPPED && !has_news(g));
    return rc;
}

static void settle(struct gdb *g)
{
    if (g->stepping >= 0)
        give_up_step(g, (unsigned int)g->stepping);
    g->stepping = -1;
}

static void say_stopped(struct gdb *g, unsigned int signal)
{
    (void)stopped(g, signal);
    settle(g);
    send_stop(g);
}

bool gdb_is_running(const struct gdb *g)
{
    return g->running;
}

/*
 * Need gdb not hear of a stop? Somebody's pause may be the beginning of the
 * guest's end, so see for a second what becomes of it.
 */
static bool is_silent(struct gdb *g, enum meeting met)
{
    if (met == MET_PASSING)
        return !go(g);
    if (met == MET_STOP || g->nr_quiet++ == QUIET_LOOKS)
        return false;
    return true;
}

void gdb_look(struct gdb *g)
{
    enum target_state state = target_state(g->t);
    enum meeting met;

    if (state == TARGET_GONE)
        target_forget(g->t);
    if (!g->running || state == TARGET_RUNS)
        return;
    met = stopped(g, SIG_TRAP);
    if (state == TARGET_STOPPED && is_silent(g, met)) {
        g->running = true;
        return;
    }
    if (state == TARGET_STOPPED && met == MET_NOTHING)
        g->signal = SIG_STOP;
    settle(g);
    send_stop(g);
}

static void interrupt(struct gdb *g)
{
    if (!g->running)
        return;
    if (target_state(g->t) == TARGET_RUNS)
        (void)target_stop(g->t);
    say_stopped(g, SIG_INT);
}

/* Go on, or make one step of the vCPU. The answer is the next stop. */
static void resume(struct gdb *g, bool step)
{
    struct vcpu_guest_context c;
    int rc = 0;

    if (target_state(g->t) != TARGET_STOPPED) {
        /* It crashed or ended: it cannot, and says the same again. */
        send_stop(g);
        return;
    }
    if (step && !g->can_catch)
        rc = -ENOSYS;
    if (step && !rc)
        rc = target_registers(g->t, g->vcpu, &c);
    if (step && !rc) {
        c.user_regs.rflags |= RFLAGS_TF;
        c.debugreg[6] = 0;
        rc = target_set_registers(g->t, g->vcpu, &c);
        g->stepping = (int)g->vcpu;
    }
    g->running = true;
    g->nr_quiet = 0;
    if (!rc)
        rc = go(g);
    if (rc) {
        g->running = false;
        send_error(g, rc);
    }
}

/* --- registers -------------------------------------------------------------*/

static void read_registers(struct gdb *g)
{
    struct vcpu_guest_context c;
    int rc = target_registers(g->t, g->vcpu, &c);

    if (rc) {
        send_error(g, rc);
        return;
    }
    regs_put(&c, g->reply);
    send_text(g, g->reply);
}

static void write_registers(struct gdb *g, const char *hex)
{
    struct vcpu_guest_context c;
    int rc = target_registers(g->t, g->vcpu, &c);

    if (!rc)
        rc = regs_get(&c, hex);
    if (!rc)
        rc = target_set_registers(g->t, g->vcpu, &c);
    send_result(g, rc);
}

static void one_register(struct gdb *g, const char *at, bool write)
{
    struct vcpu_guest_context c;
    uint64_t nr;
    int rc = target_registers(g->t, g->vcpu, &c);

    if (!rc && !packet_number(&at, &nr))
        rc = -EINVAL;
    if (!rc && write)
        rc = *at == '=' ? regs_get_one(&c, nr, at + 1) : -EINVAL;
    if (!rc && write)
        rc = target_set_registers(g->t, g->vcpu, &c);
    if (!rc && !write)
        rc = regs_put_one(&c, nr, g->reply);
    if (rc || write)
        send_result(g, rc);
    else
        send_text(g, g->reply);
}

/* --- memory ----------------------------------------------------------------*/

/* "address,length", and what follows a colon. */
static bool get_range(const char **at, uint64_t *address, uint64_t *size)
{
    if (!packet_number(at, address) || *(*at)++ != ',' ||
        !packet_number(at, size))
        return false;
    if (*size > MEMORY_MAX)
        *size = MEMORY_MAX;
    return true;
}

static void read_memory(struct gdb *g, const char *at)
{
    uint8_t data[MEMORY_MAX];
    struct vcpu_guest_context c;
    uint64_t address, size;
    size_t n;

    if (!get_range(&at, &address, &size) ||
        target_registers(g->t, g->vcpu, &c)) {
        send_error(g, -EINVAL);
        return;
    }
    n = target_read(g->t, &c, address, data, size);
    if (!n && size) {
        send_error(g, -EFAULT);
        return;
    }
    breaks_hide(&g->breaks, address, data, n);
    packet_put_hex(g->reply, data, n);
    send_text(g, g->reply);
}

static void write_memory(struct gdb *g, const char *at, bool binary)
{
    uint8_t data[MEMORY_MAX];
    struct vcpu_guest_context c;
    uint64_t address, size;
    size_t n;

    if (!get_range(&at, &address, &size) || *at++ != ':' ||
        target_registers(g->t, g->vcpu, &c)) {
        send_error(g, -EINVAL);
        return;
    }
    if (binary) {
        char *bytes = g->in.text + (at - g->in.text);

        n = packet_unescape(bytes, g->in.len - (size_t)(at - g->in.text));
        if (n <= sizeof(data))
            memcpy(data, bytes, n);
    } else {
        n = packet_get_hex(at, data, sizeof(data));
    }
    if (n != size)
        send_error(g, -EINVAL);
    else
        send_result(g, target_write(g->t, &c, address, data, n) == n ? 0
                                                                     : -EFAULT);
}

static void breakpoint(struct gdb *g, const char *at, bool insert)
{
    uint64_t type, address, size;

    if (!packet_number(&at, &type) || *at++ != ',' ||
        !get_range(&at, &address, &size) || type > BREAK_ACCESS) {
        send_text(g, "");
        return;
    }
    if (!g->can_catch)
        send_error(g, -ENOSYS);
    else if (insert)
        send_result(g, breaks_insert(&g->breaks, g->t, (enum break_type)type,
                                     address, (unsigned int)size));
    else
        send_result(
            g, breaks_remove(&g->breaks, g->t, (enum break_type)type, address));
}

/* --- threads ---------------------------------------------------------------*/

/* "-1" and "0" are any: the one that is looked at. */
static bool get_thread(struct gdb *g, const char *at, unsigned int *vcpu)
{
    uint64_t n;

    *vcpu = g->vcpu;
    if (*at == '-')
        return true;
    if (!packet_number(&at, &n) || n > target_nr_vcpus(g->t))
        return false;
    if (n)
        *vcpu = (unsigned int)n - 1;
    return true;
}

static void list_threads(struct gdb *g)
{
    struct vcpu_guest_context c;
    char *to = g->reply;

    *to++ = 'm';
    for (unsigned int v = 0; v < target_nr_vcpus(g->t); v++)
        if (!target_registers(g->t, v, &c))
            to += sprintf(to, "%s%x", to > g->reply + 1 ? "," : "", v + 1);
    send_text(g, to > g->reply + 1 ? g->reply : "l");
}

static void describe_thread(struct gdb *g, const char *at)
{
    struct vcpu_guest_context c;
    unsigned int vcpu;
    char text[48];
    int n;

    if (!get_thread(g, at, &vcpu) || target_registers(g->t, vcpu, &c)) {
        send_error(g, -EINVAL);
        return;
    }
    n = snprintf(text, sizeof(text), "vcpu %u in %s", vcpu,
                 c.flags & VGCF_in_kernel ? "the kernel" : "user space");
    packet_put_hex(g->reply, text, (size_t)n);
    send_text(g, g->reply);
}

/* "vCont;s:1;c": the first action that names a thread, or any, is taken. */
static void vcont(struct gdb *g, const char *at)
{
    unsigned int vcpu = g->vcpu;
    char what = at[0] == ';' ? at[1] : 'c';
    const char *thread = at[0] == ';' ? at + 2 : at;

    while (*thread && *thread != ':' && *thread != ';')
        thread++;
    if (*thread == ':' && !get_thread(g, thread + 1, &vcpu)) {
        send_error(g, -EINVAL);
        return;
    }
    g->vcpu = vcpu;
    if (what == 't')
        interrupt(g);
    else
        resume(g, what == 's' || what == 'S');
}

/* --- packets ---------------------------------------------------------------*/

/* "offset,length" of what gdb is told of the registers. */
static void describe_registers(struct gdb *g, const char *at)
{
    char xml[XML_MAX];
    size_t len = regs_describe(xml, sizeof(xml));
    uint64_t offset, size;

    if (!get_range(&at, &offset, &size) || !len) {
        send_error(g, -EINVAL);
        return;
    }
    if (offset > len)
        offset = len;
    if (size > len - offset)
        size = len - offset;
    g->reply[0] = offset + size == len ? 'l' : 'm';
    memcpy(g->reply + 1, xml + offset, size);
    g->reply[1 + size] = 0;
    send_text(g, g->reply);
}

static bool begins(const char *text, const char *with, const char **rest)
{
    size_t n = strlen(with);

    *rest = text + n;
    return !strncmp(text, with, n);
}

static void query(struct gdb *g, const char *text)
{
    const char *rest;

    if (begins(text, "qSupported", &rest))
        send_text(g, "PacketSize=4000;qXfer:features:read+;swbreak+;hwbreak+;"
                     "QStartNoAckMode+;vContSupported+");
    else if (begins(text, "qXfer:features:read:target.xml:", &rest))
        describe_registers(g, rest);
    else if (begins(text, "qfThreadInfo", &rest))
        list_threads(g);
    else if (begins(text, "qsThreadInfo", &rest))
        send_text(g, "l");
    else if (begins(text, "qThreadExtraInfo,", &rest))
        describe_thread(g, rest);
    else if (begins(text, "qAttached", &rest))
        send_text(g, "1");
    else if (!strcmp(text, "qC"))
        snprintf(g->reply, sizeof(g->reply), "QC%x", g->vcpu + 1),
            send_text(g, g->reply);
    else
        send_text(g, "");
}

static void select_thread(struct gdb *g, const char *text)
{
    unsigned int vcpu;

    if (!get_thread(g, text + 2, &vcpu)) {
        send_error(g, -EINVAL);
        return;
    }
    g->vcpu = vcpu;
    send_text(g, "OK");
}

static void verbose(struct gdb *g, const char *text)
{
    const char *rest;

    if (!strcmp(text, "vCont?"))
        send_text(g, "vCont;c;C;s;S;t");
    else if (begins(text, "vCont", &rest))
        vcont(g, rest);
    else
        send_text(g, "");
}

static void settings(struct gdb *g, const char *text)
{
    g->no_ack = !strcmp(text, "QStartNoAckMode");
    send_text(g, g->no_ack ? "OK" : "");
}

static void is_alive(struct gdb *g, const char *text)
{
    unsigned int vcpu;

    send_result(g, get_thread(g, text + 1, &vcpu) ? 0 : -EINVAL);
}

/*
 * On a line that says nothing of its end: this gdb knows nothing of what one
 * before it had set and asked for.
 */
static void begin_anew(struct gdb *g)
{
    g->no_ack = false;
    if (g->running && target_state(g->t) == TARGET_RUNS)
        (void)target_stop(g->t);
    (void)stopped(g, SIG_INT);
    settle(g);
    breaks_remove_all(&g->breaks, g->t);
}

static void packet(struct gdb *g)
{
    const char *text = g->in.text;

    /* While it runs there is nothing to ask but to stop. */
    if (g->running)
        interrupt(g);
    switch (text[0]) {
    case '?':
        send_stop(g);
        break;
    case 'g':
        read_registers(g);
        break;
    case 'G':
        write_registers(g, text + 1);
        break;
    case 'p':
    case 'P':
        one_register(g, text + 1, text[0] == 'P');
        break;
    case 'm':
        read_memory(g, text + 1);
        break;
    case 'M':
    case 'X':
        write_memory(g, text + 1, text[0] == 'X');
        break;
    case 'Z':
    case 'z':
        breakpoint(g, text + 1, text[0] == 'Z');
        break;
    case 'c':
    case 'C':
    case 's':
    case 'S':
        resume(g, text[0] == 's' || text[0] == 'S');
        break;
    case 'H':
        select_thread(g, text);
        break;
    case 'T':
        is_alive(g, text);
        break;
    case 'v':
        verbose(g, text);
        break;
    case 'q':
        query(g, text);
        break;
    case 'Q':
        settings(g, text);
        break;
    case 'D':
        send_text(g, "OK");
        g->leave = true;
        break;
    case 'k':
        g->leave = true;
        break;
    default:
        send_text(g, "");
    }
}

bool gdb_input(struct gdb *g, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n && !g->leave; i++) {
        switch (packet_byte(&g->in, bytes[i])) {
        case PACKET_WHOLE:
            if (!strncmp(g->in.text, "qSupported", 10))
                begin_anew(g);
            if (!g->no_ack)
                g->send(g->arg, "+", 1);
            packet(g);
            break;
        case PACKET_BAD:
            g->send(g->arg, "-", 1);
            break;
        case PACKET_INTERRUPT:
            interrupt(g);
            break;
        case PACKET_MORE:
            break;
        }
    }
    return !g->leave;
}

/* --- a session -------------------------------------------------------------*/

struct gdb *gdb_begin(struct target *t,
                      void (*send)(void *arg, const char *bytes, size_t n),
                      void *arg, bool go_on, const char **warning)
{
    struct gdb *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    g->t = t;
    g->send = send;
    g->arg = arg;
    g->stepping = -1;
    g->signal = SIG_INT;
    g->ran_before = go_on;
    if (target_state(t) == TARGET_RUNS) {
        g->ran_before = true;
        (void)target_stop(t);
    }
    g->can_catch = !target_catch(t, true);
    *warning = g->can_catch ? NULL
                            : "this hypervisor does not stop guests at "
                              "breakpoints: looking works, stepping does not";
    g->signal = signal_of(target_state(t), g->signal);
    return g;
}

/*
 * The flag of a step that is under way may lie on the guest's stack, where an
 * interrupt of its kernel has put it: let it come back from there.
 */
static void finish_step(struct gdb *g)
{
    for (int i = 0; g->stepping >= 0 && i < STEP_LOOKS; i++) {
        enum target_state state = target_state(g->t);

        if (state != TARGET_RUNS &&
            (state != TARGET_STOPPED || stopped(g, SIG_INT) != MET_PASSING ||
             go(g)))
            return;
        g->running = true;
        target_nap(g->t);
    }
}

void gdb_end(struct gdb *g)
{
    if (g->running)
        finish_step(g);
    if (g->running && target_state(g->t) == TARGET_RUNS)
        (void)target_stop(g->t);
    if (target_state(g->t) != TARGET_GONE) {
        (void)stopped(g, SIG_INT);
        for (unsigned int v = 0; v < target_nr_vcpus(g->t); v++)
            give_up_step(g, v);
        breaks_remove_all(&g->breaks, g->t);
        (void)target_catch(g->t, false);
        if (g->ran_before)
            (void)go(g);
    }
    free(g);
}
