#include "dom0/debug/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define NR(a) (sizeof(a) / sizeof((a)[0]))

/* Names by number, a space between; "-": there is none. */
static const char hypercalls[] =
    "set_trap_table mmu_update set_gdt stack_switch set_callbacks "
    "fpu_taskswitch sched_op_compat platform_op set_debugreg get_debugreg "
    "update_descriptor - memory_op multicall update_va_mapping set_timer_op "
    "event_channel_op_compat xen_version console_io physdev_op_compat "
    "grant_table_op vm_assist update_va_mapping_otherdomain iret vcpu_op "
    "set_segment_base mmuext_op xsm_op nmi_op sched_op callback_op "
    "xenoprof_op event_channel_op physdev_op hvm_op sysctl domctl kexec_op - "
    "argo_op xenpmu_op dm_op hypfs_op";

/* What the first argument of some of them means. */
static const struct {
    uint32_t hypercall;
    const char *names;
} subops[] = {
    {__HYPERVISOR_sched_op, "yield block shutdown poll remote_shutdown "
                            "shutdown_code watchdog pin_override"},
    {__HYPERVISOR_event_channel_op,
     "bind_interdomain bind_virq bind_pirq close send status alloc_unbound "
     "bind_ipi bind_vcpu unmask reset init_control expand_array set_priority"},
    {__HYPERVISOR_vcpu_op,
     "initialise up down is_up get_runstate_info "
     "register_runstate_memory_area set_periodic_timer stop_periodic_timer "
     "set_singleshot_timer stop_singleshot_timer register_vcpu_info send_nmi "
     "get_physid register_vcpu_time_memory_area"},
    {__HYPERVISOR_grant_table_op,
     "map_grant_ref unmap_grant_ref setup_table dump_table transfer copy "
     "query_size unmap_and_replace set_version get_status_frames get_version "
     "swap_grant_ref cache_flush"},
};

static const char exceptions[] =
    "divide-error debug NMI breakpoint overflow bound-range invalid-opcode "
    "device-not-available double-fault - invalid-TSS segment-not-present "
    "stack-fault general-protection page-fault - x87-error alignment-check "
    "machine-check SIMD-error";

/* The n-th name and its length; 0: none. */
static int name_at(const char *names, uint64_t n, const char **name)
{
    while (n-- && names)
        names = (names = strchr(names, ' ')) ? names + 1 : NULL;
    *name = names;
    return names && *names != '-' ? (int)strcspn(names, " ") : 0;
}

static int subop_name(uint32_t op, uint64_t sub, const char **name)
{
    for (size_t i = 0; i < NR(subops); i++)
        if (subops[i].hypercall == op)
            return name_at(subops[i].names, sub < 64 ? sub : 64, name);
    return 0;
}

/* snprintf() behind what is there. */
__attribute__((format(printf, 3, 4))) static void
append(char *to, size_t size, const char *format, ...)
{
    size_t n = strlen(to);
    va_list ap;

    va_start(ap, format);
    vsnprintf(to + n, size - n, format, ap);
    va_end(ap);
}

static uint64_t long_at(const struct trace_record *r, unsigned int i)
{
    return i + 1u < r->nr_words ? r->word[i] | (uint64_t)r->word[i + 1] << 32
                                : 0;
}

static uint32_t word_at(const struct trace_record *r, unsigned int i)
{
    return i < r->nr_words ? r->word[i] : 0;
}

static void hypercall(const struct trace_record *r, struct trace_text *t)
{
    uint32_t head = word_at(r, 0), op = head & 0xfffff;
    const char *name;
    int len = name_at(hypercalls, op < 64 ? op : 64, &name);
    unsigned int at = 1;

    t->kind = "hypercall";
    if (r->event == TRC_PV_HYPERCALL_SUBCALL)
        append(t->what, sizeof(t->what), "multicall: ");
    if (len)
        append(t->what, sizeof(t->what), "%.*s", len, name);
    else
        append(t->what, sizeof(t->what), "number %u", op);

    /* Two bits for each argument: not there, a word, two words. */
    for (unsigned int i = 0; i < 6; i++) {
        unsigned int kind = head >> (20 + 2 * i) & 3;
        uint64_t value = kind == 2 ? long_at(r, at) : word_at(r, at);

        if (!kind)
            continue;
        at += kind;
        len = i ? 0 : subop_name(op, value, &name);
        if (len)
            append(t->what, sizeof(t->what), " %.*s", len, name);
        else
            append(t->more, sizeof(t->more), "%sa%u=%#" PRIx64,
                   t->more[0] ? " " : "", i + 1, value);
    }
}

static void exception(const struct trace_record *r, struct trace_text *t)
{
    bool wide = r->event & TRC_64_FLAG;
    uint64_t rip = wide ? long_at(r, 0) : word_at(r, 0);
    uint32_t word = word_at(r, wide ? 2 : 1), vector = word & 0x7fff;
    const char *name;
    int len = name_at(exceptions, vector < 64 ? vector : 64, &name);

    t->kind = "exception";
    if (len)
        append(t->what, sizeof(t->what), "%.*s", len, name);
    else
        append(t->what, sizeof(t->what), "vector %u", vector);
    append(t->more, sizeof(t->more), "at %" PRIx64, rip);
    if (word & 0x8000)
        append(t->more, sizeof(t->more), " error %#x", word >> 16);
}

static void page_fault(const struct trace_record *r, struct trace_text *t)
{
    uint32_t error = word_at(r, 4);

    t->kind = "exception";
    append(t->what, sizeof(t->what), "page-fault");
    append(t->more, sizeof(t->more), "at %" PRIx64 " %s %" PRIx64 " error %#x",
           long_at(r, 0),
           error & 16  ? "fetching"
           : error & 2 ? "writing"
                       : "reading",
           long_at(r, 2), error);
}

static void runstate(const struct trace_record *r, struct trace_text *t)
{
    static const char *const states[] = {"running", "ready", "blocked",
                                         "offline"};

    t->kind = "sched";
    append(t->what, sizeof(t->what), "%s -> %s", states[trace_from(r->event)],
           states[trace_to(r->event)]);
}

/* The others: name, and addresses. */
static const struct {
    uint32_t event;
    const char *kind, *what;
} plain[] = {
    {TRC_SCHED_CONTINUE_RUNNING, "sched", "runs on"},
    {TRC_PV_FORCED_INVALID_OP, "emulated", "cpuid by its prefix"},
    {TRC_PV_EMULATE_PRIVOP, "emulated", "privileged instruction"},
    {TRC_PV_MATH_STATE_RESTORE, "exception", "lazy FPU"},
    {TRC_PV_PAGING_FIXUP, "emulated", "fault repaired"},
    {TRC_PV_GDT_LDT_MAPPING_FAULT, "emulated", "descriptor table"},
    {TRC_PV_PTWR_EMULATION, "emulated", "page-table write"},
    {TRACE_UPCALL & ~TRC_64_FLAG, "event", "upcall"},
};

static void other(const struct trace_record *r, struct trace_text *t)
{
    uint32_t event = r->event & ~TRC_64_FLAG;

    t->kind = "other";
    for (size_t i = 0; i < NR(plain); i++) {
        if (plain[i].event != event)
            continue;
        t->kind = plain[i].kind;
        append(t->what, sizeof(t->what), "%s", plain[i].what);
    }
    if (!t->what[0])
        append(t->what, sizeof(t->what), "%#x", r->event);
    if (event == TRC_PV_PTWR_EMULATION)
        append(t->more, sizeof(t->more),
               "at %" PRIx64 " %" PRIx64 " = %" PRIx64, long_at(r, 4),
               long_at(r, 2), long_at(r, 0));
    else if (r->event & TRC_64_FLAG)
        append(t->more, sizeof(t->more), "at %" PRIx64, long_at(r, 0));
}

void trace_describe(const struct trace_record *r, struct trace_text *t)
{
    t->what[0] = t->more[0] = 0;
    switch (r->event) {
    case TRC_PV_HYPERCALL_V2:
    case TRC_PV_HYPERCALL_SUBCALL:
        hypercall(r, t);
        return;
    case TRC_PV_TRAP:
    case TRC_PV_TRAP | TRC_64_FLAG:
        exception(r, t);
        return;
    case TRC_PV_PAGE_FAULT | TRC_64_FLAG:
        page_fault(r, t);
        return;
    case TRACE_SYSCALL:
        t->kind = "syscall";
        append(t->what, sizeof(t->what), "system call %u", word_at(r, 2));
        append(t->more, sizeof(t->more), "at %" PRIx64, long_at(r, 0));
        return;
    case TRACE_EVENT:
        t->kind = "event";
        append(t->what, sizeof(t->what), "port %u", word_at(r, 1));
        return;
    case TRC_LOST_RECORDS:
        t->kind = "lost";
        append(t->what, sizeof(t->what), "%u records", word_at(r, 0));
        return;
    }
    if (trace_is_change(r->event))
        runstate(r, t);
    else
        other(r, t);
}
