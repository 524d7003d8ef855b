#include "pv-backends/runtime/privilege.h"

#include "pv-backends/runtime/log.h"

#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

/*
 * Refused calls. A list of allowed ones would be the stronger fence, but what
 * the C library, libevent, liburing and the Xen libraries call differs from
 * version to version, and a backend that dies of an upgrade takes disks along.
 */
static const int refused[] = {
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsmount,
    SYS_setns,
    SYS_unshare,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_swapon,
    SYS_swapoff,
    SYS_reboot,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_iopl,
    SYS_ioperm,
    SYS_open_by_handle_at,
    SYS_userfaultfd,
    SYS_personality,
    SYS_acct,
    SYS_quotactl,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_pidfd_getfd,
    SYS_fork,
    SYS_vfork,
};

enum {
    NR_REFUSED = sizeof(refused) / sizeof(refused[0]),
    X32_BIT = 0x40000000
};

/* Another architecture's numbers mean other calls: none of those at all. */
static int filter_calls(void)
{
    struct sock_filter code[NR_REFUSED + 8];
    struct sock_fprog program = {.filter = code};
    unsigned int n = 0;

    code[n++] = (struct sock_filter)BPF_STMT(
        BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                             AUDIT_ARCH_X86_64, 1, 0);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             offsetof(struct seccomp_data, nr));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT,
                                             NR_REFUSED + 1, 0);
    for (unsigned int i = 0; i < NR_REFUSED; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                 refused[i], NR_REFUSED - i, 0);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                             SECCOMP_RET_ERRNO | EPERM);
    program.len = n;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

/* From the bounding set, so that nothing brings them back. */
static int forbid_capabilities(uint64_t keep)
{
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
        if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) &&
            errno != EINVAL)
            return -errno;
    return 0;
}

/* The permitted capabilities stay over the change, for the next step. */
static int become(struct privilege_user user)
{
    if (!user.uid)
        return 0;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) ||
        setresgid(user.gid, user.gid, user.gid) ||
        setresuid(user.uid, user.uid, user.uid))
        return -errno;
    return 0;
}

static int set_capabilities(uint64_t keep)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};

    for (int i = 0; i < 2; i++)
        data[i].effective = data[i].permitted = (uint32_t)(keep >> 32 * i);
    return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int privilege_parse_user(const char *text, struct privilege_user *user)
{
    int end = 0;

    if (text[strspn(text, "0123456789:")] ||
        sscanf(text, "%u:%u%n", &user->uid, &user->gid, &end) != 2 ||
        text[end] || !user->uid || !user->gid || user->uid == (uid_t)-1 ||
        user->gid == (gid_t)-1)
        return -EINVAL;
    return 0;
}

int privilege_drop(uint64_t keep, struct privilege_user user)
{
    int rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;

    if (!rc)
        rc = forbid_capabilities(keep);
    if (!rc)
        rc = become(user);
    if (!rc)
        rc = set_capabilities(keep);
    if (!rc)
        rc = filter_calls();
    if (rc)
        log_error("cannot give up privileges: %s", strerror(-rc));
    return rc;
}
