/*
 * A QEMU TCG plugin that counts what a hypervisor executes for one operation
 * of its guest. The guest says where an operation begins and ends with no-ops
 * of an unusual displacement (markers.h), which mean nothing to a CPU.
 *
 * Counted are instructions at addresses that the PV ABI reserves for the
 * hypervisor; the guest's own do not count. A repeated string instruction
 * counts once, its further turns separately. One line for each operation:
 *   <op> <instructions> <cr3> <cr4> <invlpg> <invpcid> <string turns>
 *
 * Arguments: out=FILE, and trace=OP for the address of every instruction of
 * that operation's fifth run ("@ <address>").
 *
 * One CPU only: counters are plain.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "markers.h"
#include "qemu-api.h"

#define HOST_VA_START 0xffff800000000000ull
#define HOST_VA_END   0xffff880000000000ull
#define TRACED_RUN    5

EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

enum { INSNS, CR3, CR4, INVLPG, INVPCID, TURNS, NR_COUNTERS };
static uint64_t count[NR_COUNTERS], at_begin[NR_COUNTERS];

static FILE *out;
static int open_op = -1;
static int traced_op = -1;
static unsigned traced_runs;
static bool tracing;

static void begin(unsigned cpu, void *op)
{
    (void)cpu;
    memcpy(at_begin, count, sizeof(count));
    open_op = (int)(intptr_t)op;
    tracing = open_op == traced_op && ++traced_runs == TRACED_RUN;
}

static void end(unsigned cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    if (open_op < 0)
        return;
    fprintf(out, "%d", open_op);
    for (int i = 0; i < NR_COUNTERS; i++)
        fprintf(out, " %" PRIu64, count[i] - at_begin[i]);
    fputc('\n', out);
    fflush(out);
    open_op = -1;
    tracing = false;
}

/* The same string instruction again with nothing between is its next turn. */
static void string_insn(unsigned cpu, void *address)
{
    static void *last;
    static uint64_t last_insns;

    (void)cpu;
    if (address == last && count[INSNS] == last_insns) {
        count[TURNS]++;
        return;
    }
    last = address;
    last_insns = ++count[INSNS];
}

static void trace(unsigned cpu, void *address)
{
    (void)cpu;
    if (tracing)
        fprintf(out, "@ %" PRIxPTR "\n", (uintptr_t)address);
}

/* Which counter beside INSNS the instruction at `p` belongs to; 0: none. */
static int flush_kind(const uint8_t *p, size_t n)
{
    bool operand_size = n && p[0] == 0x66;

    if (operand_size)
        p++, n--;
    if (n && (p[0] & 0xf0) == 0x40) /* REX */
        p++, n--;
    if (n < 3 || p[0] != 0x0f)
        return 0;
    if (p[1] == 0x22 && (p[2] >> 3 & 7) == 3)
        return CR3;
    if (p[1] == 0x22 && (p[2] >> 3 & 7) == 4)
        return CR4;
    if (p[1] == 0x01 && (p[2] >> 3 & 7) == 7 && p[2] >> 6 != 3)
        return INVLPG;
    if (operand_size && p[1] == 0x38 && p[2] == 0x82)
        return INVPCID;
    return 0;
}

static bool is_repeated(const uint8_t *p, size_t n)
{
    uint8_t op;

    if (!n || (p[0] != 0xf2 && p[0] != 0xf3))
        return false;
    op = n > 2 && (p[1] & 0xf0) == 0x40 ? p[2] : p[1];
    return (op >= 0x6c && op <= 0x6f) || (op >= 0xa4 && op <= 0xa7) ||
           (op >= 0xaa && op <= 0xaf);
}

static void watch_host_insn(struct qemu_plugin_insn *insn, uint64_t va)
{
    const uint8_t *p = qemu_plugin_insn_data(insn);
    size_t n = qemu_plugin_insn_size(insn);
    int kind = flush_kind(p, n);

    if (is_repeated(p, n))
        qemu_plugin_register_vcpu_insn_exec_cb(
            insn, string_insn, QEMU_PLUGIN_CB_NO_REGS, (void *)va);
    else
        qemu_plugin_register_vcpu_insn_exec_inline(
            insn, QEMU_PLUGIN_INLINE_ADD_U64, &count[INSNS], 1);
    if (kind)
        qemu_plugin_register_vcpu_insn_exec_inline(
            insn, QEMU_PLUGIN_INLINE_ADD_U64, &count[kind], 1);
    if (traced_op >= 0)
        qemu_plugin_register_vcpu_insn_exec_cb(
            insn, trace, QEMU_PLUGIN_CB_NO_REGS, (void *)va);
}

static void watch_guest_insn(struct qemu_plugin_insn *insn)
{
    static const uint8_t nop[] = {0x0f, 0x1f, 0x80};
    const uint8_t *p = qemu_plugin_insn_data(insn);
    uint32_t mark;

    if (qemu_plugin_insn_size(insn) != 7 || memcmp(p, nop, sizeof(nop)))
        return;
    memcpy(&mark, p + sizeof(nop), sizeof(mark));
    if ((mark & ~0xffu) == MARK_BEGIN)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, begin,
                                               QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)(intptr_t)(mark & 0xff));
    else if (mark == MARK_END)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, end,
                                               QEMU_PLUGIN_CB_NO_REGS, NULL);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t va = qemu_plugin_insn_vaddr(insn);

        if (va >= HOST_VA_START && va < HOST_VA_END)
            watch_host_insn(insn, va);
        else
            watch_guest_insn(insn);
    }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
                               int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4))
            out = fopen(argv[i] + 4, "w");
        else if (!strncmp(argv[i], "trace=", 6))
            traced_op = atoi(argv[i] + 6);
    }
    if (!info->system_emulation || info->system.max_vcpus != 1 || !out) {
        fprintf(stderr, "pathlen: wants one CPU, and out=FILE\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
