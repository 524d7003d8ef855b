/*
 * A guest's configuration, checked: what the text of an xl.cfg(5) file means.
 * This is the one place of defaults. Everything here is owned by the struct.
 */
#ifndef DOM0_CONFIG_DOMCONFIG_H
#define DOM0_CONFIG_DOMCONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dom0/config/cpuset.h"
#include "dom0/config/disk.h"
#include "dom0/config/nic.h"
#include "dom0/config/report.h"

#define DOMCONFIG_MAX_VCPUS 128
#define DOMCONFIG_MAX_DISKS 64
#define DOMCONFIG_MAX_NICS  64

enum domconfig_type {
    GUEST_PV,
    GUEST_PVH,
    GUEST_HVM,
};

/* What happens when the guest ends in one of the ways below. */
enum domconfig_action {
    ACTION_DESTROY,
    ACTION_RESTART,
    ACTION_RENAME_RESTART,
    ACTION_PRESERVE,
    ACTION_COREDUMP_DESTROY,
    ACTION_COREDUMP_RESTART,
    ACTION_SOFT_RESET,
};

#define DOMCONFIG_NR_ACTIONS 7u

/* XEN_DOMCTL_settscinfo's numbers. */
enum domconfig_tsc {
    TSC_DEFAULT = 0,
    TSC_ALWAYS_EMULATE = 1,
    TSC_NATIVE = 2,
    TSC_NATIVE_PARAVIRT = 3,
};

/* One `host,feature=value` of `cpuid`, as written. */
struct cpuid_item {
    char *name, *value;
};

struct domconfig {
    char *name;
    uint8_t uuid[16];
    bool uuid_given; /* by the text; else as domconfig_parse() says */
    enum domconfig_type type;

    /* What it boots. A bootloader stands in place of a kernel. */
    char *kernel, *ramdisk; /* paths, or NULL */
    char *cmdline;          /* never NULL; root= and extra are in it */
    char *bootloader;       /* "pygrub", or NULL */
    char **bootloader_args;
    unsigned nr_bootloader_args;

    uint64_t memory_kib, maxmem_kib;
    unsigned vcpus, max_vcpus;
    struct cpuset *hard, *soft; /* one per vcpu (max_vcpus), NULL: anywhere */
    int weight, cap;            /* -1: the scheduler's own */
    char *pool;                 /* NULL: the first */
    bool nomigrate, driver_domain;
    int max_grant_frames, max_maptrack_frames; /* -1: the hypervisor's */
    int max_grant_version;                     /* -1: what there is */
    uint32_t max_event_channels;

    enum domconfig_action on_poweroff, on_reboot, on_watchdog, on_crash;
    enum domconfig_action on_soft_reset;

    enum domconfig_tsc tsc_mode;
    bool localtime;
    int32_t rtc_timeoffset_s;
    struct cpuid_item *cpuid; /* restrictions on the default policy */
    unsigned nr_cpuid;
    bool msr_relaxed;

    struct disk_config *disks;
    unsigned nr_disks;
    struct nic_config *nics;
    unsigned nr_nics;
};

/*
 * Read `text` (size bytes; need not end in NUL) as a configuration. `uuid`:
 * the guest's where the text has none; NULL makes a random one. 0 with *out
 * owned by the caller, or -EINVAL (with errors in `report`), -ENOMEM. There
 * may be warnings either way. A later line for the same key wins, so that
 * settings given on a command line can be appended as text.
 */
int domconfig_parse(const char *text, size_t size, const uint8_t *uuid,
                    struct report *report, struct domconfig **out);
/* The same from a file; -Exxx of opening it is reported too. */
int domconfig_load(const char *path, const uint8_t *uuid, struct report *report,
                   struct domconfig **out);
void domconfig_free(struct domconfig *c);

/* Into 37 bytes; and back, -EINVAL. */
void domconfig_uuid_print(const uint8_t uuid[16], char *text);
int domconfig_uuid_parse(const char *text, uint8_t uuid[16]);
/* "destroy", "rename-restart", ... */
const char *domconfig_action_name(enum domconfig_action a);
const char *domconfig_type_name(enum domconfig_type t);
/* 0, or why `name` cannot be a guest's (a sentence). */
const char *domconfig_name_problem(const char *name);

#endif
