/* Hypercalls, most of them with arguments that mean something. */
#include "evtchn.h"
#include "fuzz.h"

/* Entries at both ends of a table and around the hypervisor's slots. */
static unsigned int any_index(struct fuzz_vcpu *v)
{
    static const uint16_t odd[] = {255, 256, 271, 272, 510, 511};

    return (unsigned int)(one_in(v, 4) ? odd[below(v, ARRAY_SIZE(odd))]
                                       : below(v, 8));
}

static uint16_t any_domain(struct fuzz_vcpu *v)
{
    static const uint16_t ids[] = {DOMID_SELF, 0, 1, 999, DOMID_IO, DOMID_XEN};

    return one_in(v, 12) ? ids[below(v, ARRAY_SIZE(ids))] : DOMID_SELF;
}

static void update_entries(struct fuzz_vcpu *v)
{
    struct mmu_update req[4];
    unsigned int i, nr = 1 + (unsigned int)below(v, 4), done;

    for (i = 0; i < nr; i++) {
        unsigned int page = any_page(v), role = role_of(page);

        req[i].ptr = arena_mfn[page] << 12 | any_index(v) * 8;
        req[i].val = any_pte(v, role ? role : 1);
        if (one_in(v, 4))
            req[i].ptr |= MMU_PT_UPDATE_PRESERVE_AD;
        /* A machine-to-physical update of the arena's frames only. */
        if (one_in(v, 64))
            req[i].ptr |= below(v, 8);
        if (one_in(v, 64))
            req[i].ptr = any_mfn(v) << 12 | below(v, 512) * 8;
    }
    hc_mmu_update(req, nr, one_in(v, 8) ? any_pointer(v) : &done,
                  any_domain(v));
}

static void remap(struct fuzz_vcpu *v)
{
    unsigned int page = any_page(v);
    uint64_t pte = any_pte(v, 1);

    /* Where it belongs, so that roles can be taken and left again. */
    if (!one_in(v, 4))
        pte = pte_make(arena_mfn[page], role_of(page) && !one_in(v, 4)
                                            ? PTE_RO_PAGE
                                            : PTE_RW_PAGE);
    hc_update_va_mapping(arena[page], pte,
                         one_in(v, 8) ? any_number(v)
                                      : below(v, 3) | below(v, 2) << 2);
}

/* A tree that holds what we run on: survivable as a root. */
static void make_root(struct fuzz_vcpu *v)
{
    const uint64_t *root = (uint64_t *)start_info->pt_base;
    unsigned int page = any_page(v);

    while (role_of(page) != 4)
        page = (page + 1) % NR_PAGES;
    hc_update_va_mapping(arena[page], pte_make(arena_mfn[page], PTE_RO_PAGE),
                         UVMF_INVLPG | UVMF_ALL);
    mmu_update_one(arena_mfn[page] << 12 | 511 * 8, root[511]);
    if (one_in(v, 2))
        mmuext_one(one_in(v, 2) ? MMUEXT_NEW_BASEPTR : MMUEXT_NEW_USER_BASEPTR,
                   arena_mfn[page]);
    if (one_in(v, 2))
        mmuext_one(MMUEXT_NEW_BASEPTR, va_to_mfn(root));
    if (one_in(v, 4))
        mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0);
}

static void extended(struct fuzz_vcpu *v)
{
    struct mmuext_op op[3];
    unsigned int i, done, nr = 1 + (unsigned int)below(v, 3);

    for (i = 0; i < nr; i++) {
        op[i].cmd = (unsigned int)below(v, 22);
        op[i].arg1.mfn = any_mfn(v);
        if (op[i].cmd == MMUEXT_NEW_BASEPTR)
            op[i].arg1.mfn = va_to_mfn((void *)start_info->pt_base);
        if (op[i].cmd >= MMUEXT_TLB_FLUSH_LOCAL && op[i].cmd <= MMUEXT_SET_LDT)
            op[i].arg1.linear_addr = any_address(v);
        op[i].arg2.nr_ents = (unsigned int)below(v, 2000);
        if (op[i].cmd == MMUEXT_COPY_PAGE)
            op[i].arg2.src_mfn = any_mfn(v);
        if (op[i].cmd == MMUEXT_CLEAR_PAGE || op[i].cmd == MMUEXT_COPY_PAGE)
            op[i].arg1.mfn = arena_mfn[any_page(v)];
        /* Our own roots stay pinned, or the others' ways home go. */
        if (op[i].cmd == MMUEXT_UNPIN_TABLE)
            op[i].arg1.mfn = arena_mfn[any_page(v)];
    }
    hc_mmuext_op(op, nr, &done, any_domain(v));
}

static void pin(struct fuzz_vcpu *v)
{
    unsigned int page = any_page(v);
    int level = role_of(page) && !one_in(v, 8) ? (int)role_of(page)
                                               : 1 + (int)below(v, 4);

    if (one_in(v, 3))
        unpin(arena_mfn[page]);
    else
        pin_level(level, arena_mfn[page]);
}

void fuzz_tables(struct fuzz_vcpu *v)
{
    switch (below(v, 16)) {
    case 0 ... 5:
        update_entries(v);
        break;
    case 6 ... 9:
        remap(v);
        break;
    case 10 ... 12:
        pin(v);
        break;
    case 13:
        make_root(v);
        break;
    default:
        extended(v);
        break;
    }
}

void fuzz_descriptors(struct fuzz_vcpu *v)
{
    uint64_t mfns[16];
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(mfns); i++)
        mfns[i] = any_mfn(v);
    switch (below(v, 3)) {
    case 0:
        HC2(set_gdt, mfns, below(v, 8000));
        break;
    case 1:
        mmuext_linear(MMUEXT_SET_LDT, arena[any_page(v)],
                      (unsigned int)below(v, 1024));
        break;
    default:
        HC2(update_descriptor, any_mfn(v) << 12 | below(v, 512) * 8,
            one_in(v, 2) ? 0x00cff3000000ffff : fuzz_random(v));
        break;
    }
}

static void write_grant(struct fuzz_vcpu *v)
{
    grant_entry_v1_t *e = &grants[8 + below(v, 16)];

    e->frame = (uint32_t)any_mfn(v);
    e->domid = one_in(v, 8) ? any_domain(v) : self;
    barrier();
    e->flags = (uint16_t)(one_in(v, 8) ? fuzz_random(v)
                                       : GTF_permit_access |
                                             (below(v, 2) ? GTF_readonly : 0));
}

static uint64_t any_place(struct fuzz_vcpu *v, uint32_t *flags)
{
    *flags = (uint32_t)(one_in(v, 8) ? below(v, 64)
                                     : GNTMAP_host_map |
                                           (below(v, 2) ? GNTMAP_readonly : 0));
    if (one_in(v, 3)) {
        *flags |= GNTMAP_contains_pte;
        return arena_mfn[any_page(v)] << 12 | any_index(v) * 8;
    }
    return one_in(v, 8) ? any_address(v) : (uint64_t)arena[any_page(v)];
}

void fuzz_grants(struct fuzz_vcpu *v)
{
    struct gnttab_map_grant_ref map = {.dom = one_in(v, 8) ? 0 : self};
    struct gnttab_unmap_and_replace replace = {0};
    struct gnttab_unmap_grant_ref unmap = {0};
    struct gnttab_swap_grant_ref swap;
    struct gnttab_copy copy;
    uint32_t flags;

    switch (below(v, 8)) {
    case 0:
    case 1:
        write_grant(v);
        break;
    case 2:
    case 3:
        map.ref = 8 + (uint32_t)below(v, 16);
        map.host_addr = any_place(v, &flags);
        map.flags = flags;
        hc_grant_table_op(GNTTABOP_map_grant_ref, &map, 1);
        break;
    case 4:
        unmap.handle = (uint32_t)below(v, 24);
        unmap.host_addr = any_place(v, &flags);
        unmap.dev_bus_addr = one_in(v, 4) ? any_mfn(v) << 12 : 0;
        hc_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1);
        break;
    case 5:
        replace.handle = (uint32_t)below(v, 24);
        replace.host_addr = any_place(v, &flags);
        replace.new_addr = (uint64_t)arena[any_page(v)];
        hc_grant_table_op(GNTTABOP_unmap_and_replace, &replace, 1);
        break;
    case 6:
        copy.source.u.ref = 8 + (uint32_t)below(v, 16);
        copy.source.domid = self;
        copy.source.offset = (uint16_t)below(v, 64);
        copy.dest.u.gmfn = any_mfn(v);
        copy.dest.domid = DOMID_SELF;
        copy.dest.offset = (uint16_t)below(v, 4096);
        copy.len = (uint16_t)below(v, 4096);
        copy.flags =
            (uint16_t)(one_in(v, 4) ? below(v, 4) : GNTCOPY_source_gref);
        /* Only the arena may be written to: the rest is what we run on. */
        if (!(copy.flags & GNTCOPY_dest_gref))
            copy.dest.u.gmfn = arena_mfn[any_page(v)];
        hc_grant_table_op(GNTTABOP_copy, &copy, 1);
        break;
    default:
        swap.ref_a = 8 + (uint32_t)below(v, 16);
        swap.ref_b = 8 + (uint32_t)below(v, 16);
        hc_grant_table_op(GNTTABOP_swap_grant_ref, &swap, 1);
        break;
    }
}

/* Ports 1 and 2 are the store's and the console's. */
static uint32_t any_port(struct fuzz_vcpu *v)
{
    return 3 + (uint32_t)(one_in(v, 16) ? fuzz_random(v) & ~3ul : below(v, 40));
}

void fuzz_events(struct fuzz_vcpu *v)
{
    static volatile bool fifo;
    uint32_t arg[8];
    unsigned int cmd = (unsigned int)below(v, 14), i;

    for (i = 0; i < ARRAY_SIZE(arg); i++)
        arg[i] = (uint32_t)below(v, 4);
    switch (cmd) {
    case EVTCHNOP_bind_interdomain:
        arg[0] = self;
        arg[1] = any_port(v);
        break;
    case EVTCHNOP_bind_virq:
        arg[0] = (uint32_t)below(v, 26);
        break;
    case EVTCHNOP_alloc_unbound:
        ev_alloc_unbound(one_in(v, 4) ? (domid_t)below(v, 4) : self);
        return;
    case EVTCHNOP_status:
        arg[0] = DOMID_SELF;
        arg[1] = any_port(v);
        break;
    case EVTCHNOP_reset: /* takes the console along */
        return;
    case EVTCHNOP_init_control:
    case EVTCHNOP_expand_array:
        /* The console's port is lost with the queues: only some guests. */
        if (!fifo && !one_in(v, 64))
            return;
        fifo = true;
        *(uint64_t *)arg = arena_mfn[any_page(v)];
        arg[2] = (uint32_t)below(v, 64) * 8;
        arg[3] = (uint32_t)below(v, NR_VCPUS);
        break;
    default:
        arg[0] = any_port(v);
        break;
    }
    hc_event_channel_op(cmd, arg);
}

/* The frame of one page of the arena becomes another. */
static void exchange(struct fuzz_vcpu *v)
{
    unsigned int page = any_page(v);
    xen_pfn_t in = arena_mfn[page], out = va_to_pfn(arena[page]);
    struct xen_memory_exchange x = {
        .in = {.nr_extents = 1, .domid = DOMID_SELF},
        .out = {.nr_extents = 1, .domid = DOMID_SELF},
    };

    set_xen_guest_handle(x.in.extent_start, &in);
    set_xen_guest_handle(x.out.extent_start, &out);
    /* Only without a mapping will it do. */
    hc_update_va_mapping(arena[page], 0, one_in(v, 2) ? 0 : UVMF_INVLPG);
    if (!hc_memory_op(XENMEM_exchange, &x))
        arena_mfn[page] = out;
    hc_update_va_mapping(arena[page], pte_make(arena_mfn[page], PTE_RW_PAGE),
                         0);
}

static void give_and_take(struct fuzz_vcpu *v)
{
    unsigned int page = any_page(v);
    xen_pfn_t pfn = arena_mfn[page];
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, &pfn);
    if (one_in(v, 2))
        hc_update_va_mapping(arena[page], 0, 0);
    if (hc_memory_op(XENMEM_decrease_reservation, &r) != 1)
        return;
    pfn = va_to_pfn(arena[page]);
    if (hc_memory_op(XENMEM_populate_physmap, &r) == 1)
        arena_mfn[page] = pfn;
    hc_update_va_mapping(arena[page], pte_make(arena_mfn[page], PTE_RW_PAGE),
                         0);
}

void fuzz_memory(struct fuzz_vcpu *v)
{
    if (one_in(v, 2))
        exchange(v);
    else
        give_and_take(v);
}

static void start_the_third(struct fuzz_vcpu *v)
{
    struct vcpu_guest_context *c = smp_context(fuzz_loop, (void *)2);

    c->user_regs.rsp = (uint64_t)fuzz_vcpus[2].stack + 2 * STACK_SIZE;
    c->kernel_sp = c->user_regs.rsp - STACK_SIZE;
    if (one_in(v, 4))
        c->ctrlreg[3] = any_mfn(v) << 12;
    if (one_in(v, 4))
        c->ctrlreg[1] = any_mfn(v) << 12;
    if (one_in(v, 4)) {
        c->gdt_frames[0] = any_mfn(v);
        c->gdt_ents = (uint32_t)below(v, 600);
    }
    hc_vcpu_op(VCPUOP_initialise, 2, c);
    hc_vcpu_op(VCPUOP_up, 2, NULL);
}

void fuzz_vcpu_op(struct fuzz_vcpu *v)
{
    uint64_t *arg = (uint64_t *)v->scratch;
    unsigned int cmd = (unsigned int)below(v, 14), i;

    for (i = 0; i < 8; i++)
        arg[i] = any_number(v);
    switch (cmd) {
    case VCPUOP_initialise:
    case VCPUOP_up:
        start_the_third(v);
        break;
    case VCPUOP_down:
        hc_vcpu_op(cmd, 2, NULL);
        break;
    case VCPUOP_register_runstate_memory_area:
    case VCPUOP_register_vcpu_time_memory_area:
        arg[0] = any_address(v);
        hc_vcpu_op(cmd, below(v, NR_VCPUS), arg);
        break;
    case VCPUOP_register_vcpu_info: /* its place would be scribbled over */
        if (one_in(v, 16))
            hc_vcpu_op(cmd, 2, arg);
        break;
    default:
        hc_vcpu_op(cmd, below(v, 4), one_in(v, 8) ? any_pointer(v) : arg);
        break;
    }
}

/* Calls whose random arguments do not end us or put us to sleep. */
static uint64_t any_call(struct fuzz_vcpu *v)
{
    static const uint8_t calls[] = {
        __HYPERVISOR_mmu_update,
        __HYPERVISOR_set_gdt,
        __HYPERVISOR_fpu_taskswitch,
        __HYPERVISOR_platform_op,
        __HYPERVISOR_get_debugreg,
        __HYPERVISOR_update_descriptor,
        __HYPERVISOR_set_timer_op,
        __HYPERVISOR_xen_version,
        __HYPERVISOR_console_io,
        __HYPERVISOR_grant_table_op,
        __HYPERVISOR_vm_assist,
        __HYPERVISOR_update_va_mapping_otherdomain,
        __HYPERVISOR_set_segment_base,
        __HYPERVISOR_nmi_op,
        __HYPERVISOR_physdev_op,
        __HYPERVISOR_sysctl,
        __HYPERVISOR_domctl,
        __HYPERVISOR_hvm_op,
        __HYPERVISOR_kexec_op,
        __HYPERVISOR_xenpmu_op,
        __HYPERVISOR_arch_0,
    };

    return one_in(v, 32) ? 40 + below(v, 40) : calls[below(v, sizeof(calls))];
}

void fuzz_any_call(struct fuzz_vcpu *v)
{
    uint64_t nr = any_call(v), cmd = any_number(v);

    /* Random updates of plain memory, of machine addresses: not ours. */
    if (nr == __HYPERVISOR_mmu_update || nr == __HYPERVISOR_update_descriptor)
        cmd = below(v, 64);
    if (nr == __HYPERVISOR_grant_table_op)
        hypercall(nr, below(v, 16), (uint64_t)any_pointer(v), below(v, 3), 0,
                  0);
    else
        hypercall(nr, one_in(v, 2) ? below(v, 64) : cmd,
                  (uint64_t)any_pointer(v), below(v, 4),
                  (uint64_t)any_pointer(v), any_number(v));
}

void fuzz_multicall(struct fuzz_vcpu *v)
{
    struct multicall_entry *list = (struct multicall_entry *)v->scratch;
    struct mmuext_op op = {.cmd = (unsigned int)below(v, 4),
                           .arg1.mfn = any_mfn(v)};
    unsigned int i, nr = 1 + (unsigned int)below(v, 8);

    for (i = 0; i < nr; i++) {
        struct multicall_entry *e = &list[i];

        memset(e, 0, sizeof(*e));
        switch (below(v, 4)) {
        case 0:
            e->op = __HYPERVISOR_update_va_mapping;
            e->args[0] = (uint64_t)arena[any_page(v)];
            e->args[1] = any_pte(v, 1);
            e->args[2] = below(v, 3);
            break;
        case 1:
            e->op = __HYPERVISOR_mmuext_op;
            e->args[0] = (uint64_t)&op;
            e->args[1] = 1;
            e->args[3] = DOMID_SELF;
            break;
        case 2:
            e->op = one_in(v, 2) ? __HYPERVISOR_iret : __HYPERVISOR_multicall;
            e->args[0] = (uint64_t)list;
            e->args[1] = below(v, 4);
            break;
        default:
            e->op = any_call(v);
            e->args[0] = below(v, 16);
            e->args[1] = (uint64_t)v->scratch + 2048;
            e->args[2] = 1;
            if (e->op == __HYPERVISOR_mmu_update)
                e->op = __HYPERVISOR_xen_version;
            break;
        }
    }
    HC2(multicall, one_in(v, 16) ? any_pointer(v) : list, nr);
}
