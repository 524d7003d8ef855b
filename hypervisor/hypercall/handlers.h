/* Every hypercall's handler; each lives with its subsystem. */
#ifndef HYPERCALL_HANDLERS_H
#define HYPERCALL_HANDLERS_H

#include "hypercall/hypercall.h"

long hc_set_trap_table(struct hc_args *a);                /* pv/callback.c */
long hc_callback_op(struct hc_args *a);                   /* pv/callback.c */
long hc_set_callbacks(struct hc_args *a);                 /* pv/callback.c */
long hc_stack_switch(struct hc_args *a);                  /* pv/callback.c */
long hc_nmi_op(struct hc_args *a);                        /* pv/callback.c */
long hc_fpu_taskswitch(struct hc_args *a);                /* pv/callback.c */
long hc_set_segment_base(struct hc_args *a);              /* pv/segment.c */
long hc_set_debugreg(struct hc_args *a);                  /* pv/debugreg.c */
long hc_get_debugreg(struct hc_args *a);                  /* pv/debugreg.c */
long hc_set_gdt(struct hc_args *a);                       /* pv/descriptor.c */
long hc_update_descriptor(struct hc_args *a);             /* pv/descriptor.c */
long hc_mmu_update(struct hc_args *a);                    /* pv/mmu.c */
long hc_update_va_mapping(struct hc_args *a);             /* pv/mmu.c */
long hc_update_va_mapping_otherdomain(struct hc_args *a); /* pv/mmu.c */
long hc_mmuext_op(struct hc_args *a);                     /* pv/mmuext.c */
long hc_vm_assist(struct hc_args *a);                     /* pv/callback.c */
long hc_memory_op(struct hc_args *a);                     /* mm/memory-op.c */
long hc_multicall(struct hc_args *a);        /* hypercall/multicall.c */
long hc_xen_version(struct hc_args *a);      /* hypercall/version.c */
long hc_console_io(struct hc_args *a);       /* console/console-op.c */
long hc_grant_table_op(struct hc_args *a);   /* grant/gnttab-op.c */
long hc_event_channel_op(struct hc_args *a); /* evtchn/evtchn-op.c */
long hc_event_channel_op_compat(struct hc_args *a);
long hc_physdev_op(struct hc_args *a);      /* pci/physdev-op.c */
long hc_platform_op(struct hc_args *a);     /* pci/platform-op.c */
long hc_sched_op(struct hc_args *a);        /* sched/sched-op.c */
long hc_sched_op_compat(struct hc_args *a); /* sched/sched-op.c */
long hc_set_timer_op(struct hc_args *a);    /* sched/sched-op.c */
long hc_vcpu_op(struct hc_args *a);         /* domain/vcpu-op.c */
long hc_domctl(struct hc_args *a);          /* domain/domctl.c */
long hc_sysctl(struct hc_args *a);          /* domain/sysctl.c */
long hc_mca(struct hc_args *a);             /* pci/platform-op.c */

#endif
