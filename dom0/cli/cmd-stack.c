/* Where each vCPU of a guest is: registers, and what its stack remembers. */
#include "dom0/cli/cli.h"

#include "dom0/debug/symbols.h"
#include "dom0/debug/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_MAX = 16384, SHOWN_MAX = 48 };

/* The number of a guest that pvnd knows. EXIT_OK, or what to exit with. */
int guest_domid(const char *guest, uint32_t *domid)
{
    json_t *o = NULL;
    int status = client_call("info", json_pack("{s:s}", "guest", guest), &o);

    if (status)
        return status;
    *domid = (uint32_t)get_int(o, "domid");
    json_decref(o);
    return EXIT_OK;
}

int guest_target(const char *guest, struct target **t)
{
    uint32_t domid;
    int status = guest_domid(guest, &domid), rc;

    if (status)
        return status;
    rc = target_open(t, domid);
    if (!rc)
        return EXIT_OK;
    if (rc == -ESRCH)
        say_error("%s is not there any more", guest);
    else if (rc == -EOPNOTSUPP)
        say_error("%s is not paravirtual", guest);
    else
        say_error("cannot look into %s: %s", guest, strerror(-rc));
    return EXIT_FAILED;
}

static void print_place(const struct symbols *s, uint64_t address)
{
    uint64_t offset;
    const char *name = s ? symbols_name(s, address, &offset) : NULL;

    printf("%016llx", (unsigned long long)address);
    if (name && symbols_is_text(s, address))
        printf(" %s+0x%llx", name, (unsigned long long)offset);
}

static void print_registers(const struct vcpu_guest_context *c,
                            const struct symbols *s)
{
    const struct cpu_user_regs *r = &c->user_regs;
    const struct {
        const char *name;
        uint64_t value;
    } regs[] = {
        {"rsp", r->rsp}, {"rflags", r->rflags}, {"cr3", c->ctrlreg[3]},
        {"rax", r->rax}, {"rbx", r->rbx},       {"rcx", r->rcx},
        {"rdx", r->rdx}, {"rsi", r->rsi},       {"rdi", r->rdi},
        {"rbp", r->rbp}, {"r8", r->r8},         {"r9", r->r9},
        {"r10", r->r10}, {"r11", r->r11},       {"r12", r->r12},
        {"r13", r->r13}, {"r14", r->r14},       {"r15", r->r15},
    };

    printf("  rip ");
    print_place(s, r->rip);
    putchar('\n');
    for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
        printf("  %6s %016llx%s", regs[i].name,
               (unsigned long long)regs[i].value, i % 3 == 2 ? "\n" : "");
}

/*
 * Kernels keep no frame pointers: every word of the stack that is an address of
 * code is shown, so some are left over from calls that have returned.
 */
static void print_trace(struct target *t, const struct vcpu_guest_context *c,
                        const struct symbols *s)
{
    uint64_t words[STACK_MAX / 8];
    uint64_t base = c->user_regs.rsp & ~7ull;
    /* Up to where a stack of 16 KiB ends, which is aligned. */
    size_t want = STACK_MAX - base % STACK_MAX;
    size_t nr = target_read(t, c, base, words, want) / 8, shown = 0;

    puts("  trace");
    for (size_t i = 0; i < nr && shown < SHOWN_MAX; i++) {
        if (!symbols_is_text(s, words[i]))
            continue;
        printf("    ");
        print_place(s, words[i]);
        putchar('\n');
        shown++;
    }
    if (!shown)
        puts("    nothing on it that is code");
}

static void print_words(struct target *t, const struct vcpu_guest_context *c)
{
    uint64_t words[16];
    size_t nr =
        target_read(t, c, c->user_regs.rsp & ~7ull, words, sizeof(words)) / 8;

    for (size_t i = 0; i < nr; i++)
        printf("%s%016llx%s", i % 4 ? " " : "  stack ",
               (unsigned long long)words[i], i % 4 == 3 ? "\n" : "");
    if (nr % 4)
        putchar('\n');
}

static int print_vcpu(struct target *t, unsigned int n, const struct symbols *s)
{
    struct vcpu_guest_context c;
    struct xen_domctl_getvcpuinfo info = {0};
    int rc = target_registers(t, n, &c);

    if (rc == -ENODATA || rc == -ESRCH) {
        printf("vcpu %u: never started\n", n);
        return 0;
    }
    if (rc) {
        say_error("vcpu %u: %s", n, strerror(-rc));
        return rc;
    }
    (void)hv_vcpu_info(target_hv(t), target_domid(t), n, &info);
    printf("vcpu %u: %s, in %s\n", n,
           !info.online   ? "offline"
           : info.blocked ? "blocked"
           : info.running ? "running"
                          : "ready",
           c.flags & VGCF_in_kernel ? "the kernel" : "user space");
    print_registers(&c, s);
    if (!(c.flags & VGCF_in_kernel))
        return 0;
    if (s)
        print_trace(t, &c, s);
    else
        print_words(t, &c);
    return 0;
}

/* A file of another build would give every address a wrong name. */
static void check_build(struct target *t, const struct symbols *s)
{
    uint64_t banner = symbols_address(s, "linux_banner");
    struct vcpu_guest_context c;
    char text[14] = "";

    if (!banner || target_registers(t, 0, &c))
        return;
    if (target_read(t, &c, banner, text, 13) != 13 ||
        memcmp(text, "Linux version", 13))
        say_error("warning: these symbols are of another build, names are "
                  "wrong");
}

static int print_all(struct target *t, const struct symbols *s)
{
    bool runs = target_state(t) == TARGET_RUNS;
    int rc = runs ? target_stop(t) : 0;

    if (s)
        check_build(t, s);
    for (unsigned int n = 0; !rc && n < target_nr_vcpus(t); n++)
        rc = print_vcpu(t, n, s);
    if (runs)
        (void)hv_domain_unpause(target_hv(t), target_domid(t));
    return rc ? EXIT_FAILED : EXIT_OK;
}

int cmd_stack(int argc, char **argv)
{
    const char *guest, *path = NULL;
    const struct opt opts[] = {{"symbols", 's', NULL, &path}, {0}};
    struct symbols *s = NULL;
    struct target *t;
    char why[256];
    int status;

    if (options_take(opts, argc, argv, &guest, 1, 1) < 0)
        return EXIT_USAGE;
    if (path && symbols_load(&s, path, why, sizeof(why))) {
        say_error("%s", why);
        return EXIT_FAILED;
    }
    status = guest_target(guest, &t);
    if (!status) {
        status = print_all(t, s);
        target_close(t);
    }
    symbols_free(s);
    return status;
}
