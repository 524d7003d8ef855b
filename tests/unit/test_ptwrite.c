/*
 * Stores to read-only L1 tables are retired for the guest (VM assist
 * writable_pagetables): the instruction's length, operand, result and flags
 * must be the CPU's own. Every case here also runs on the CPU itself.
 * sources: hypervisor/pv/ptwrite-insn.c
 */
#include "pv/ptwrite-insn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#define FLAGS 0x8d5ull /* CF PF AF ZF SF OF */

struct cpu_case {
    const char *name;
    uint8_t bytes[12];
    uint8_t len;
    uint64_t flags; /* those the instruction defines */
};

/* All with the operand at (%rdi) and the register operand rax, rcx or r8. */
static const struct cpu_case cases[] = {
    {"mov rcx", {0x48, 0x89, 0x0f}, 3, FLAGS},
    {"mov ecx", {0x89, 0x0f}, 2, FLAGS},
    {"mov cx", {0x66, 0x89, 0x0f}, 3, FLAGS},
    {"mov cl", {0x88, 0x0f}, 2, FLAGS},
    {"mov ch", {0x88, 0x2f}, 2, FLAGS},
    {"mov r8", {0x4c, 0x89, 0x07}, 3, FLAGS},
    {"mov imm", {0x48, 0xc7, 0x07, 0xfe, 0xff, 0xff, 0xff}, 7, FLAGS},
    {"mov imm8", {0xc6, 0x07, 0x80}, 3, FLAGS},
    {"movnti", {0x48, 0x0f, 0xc3, 0x0f}, 4, FLAGS},
    {"xchg", {0x48, 0x87, 0x0f}, 3, FLAGS},
    {"xchg ecx", {0x87, 0x0f}, 2, FLAGS},
    {"xchg ch", {0x86, 0x2f}, 2, FLAGS},
    {"cmpxchg", {0xf0, 0x48, 0x0f, 0xb1, 0x0f}, 5, FLAGS},
    {"cmpxchg ecx", {0xf0, 0x0f, 0xb1, 0x0f}, 4, FLAGS},
    {"cmpxchg cl", {0xf0, 0x0f, 0xb0, 0x0f}, 4, FLAGS},
    {"xadd", {0xf0, 0x48, 0x0f, 0xc1, 0x0f}, 5, FLAGS},
    {"xadd cx", {0x66, 0x0f, 0xc1, 0x0f}, 4, FLAGS},
    {"add", {0xf0, 0x48, 0x01, 0x0f}, 4, FLAGS},
    {"or", {0xf0, 0x48, 0x09, 0x0f}, 4, FLAGS & ~0x10ull},
    {"adc", {0xf0, 0x48, 0x11, 0x0f}, 4, FLAGS},
    {"sbb", {0xf0, 0x48, 0x19, 0x0f}, 4, FLAGS},
    {"and", {0xf0, 0x48, 0x21, 0x0f}, 4, FLAGS & ~0x10ull},
    {"and cl", {0xf0, 0x20, 0x0f}, 3, FLAGS & ~0x10ull},
    {"sub", {0xf0, 0x48, 0x29, 0x0f}, 4, FLAGS},
    {"xor ecx", {0x31, 0x0f}, 2, FLAGS & ~0x10ull},
    {"and imm8", {0xf0, 0x80, 0x27, 0xfd}, 4, FLAGS & ~0x10ull},
    {"and imm sign", {0xf0, 0x48, 0x83, 0x27, 0xfd}, 5, FLAGS & ~0x10ull},
    {"or imm32", {0x81, 0x0f, 1, 2, 3, 0x84}, 6, FLAGS & ~0x10ull},
    {"inc", {0x48, 0xff, 0x07}, 3, FLAGS},
    {"dec", {0x48, 0xff, 0x0f}, 3, FLAGS},
    {"not", {0x48, 0xf7, 0x17}, 3, FLAGS},
    {"neg", {0x48, 0xf7, 0x1f}, 3, FLAGS},
    {"neg byte", {0xf6, 0x1f}, 2, FLAGS},
    {"bts imm", {0xf0, 0x48, 0x0f, 0xba, 0x2f, 0x05}, 6, 1},
    {"btr imm", {0xf0, 0x48, 0x0f, 0xba, 0x37, 0x06}, 6, 1},
    {"btc imm", {0x48, 0x0f, 0xba, 0x3f, 0x3f}, 5, 1},
    {"disp8", {0x48, 0x89, 0x4f, 0x00}, 4, FLAGS},
    {"disp32", {0x48, 0x89, 0x8f, 0, 0, 0, 0}, 7, FLAGS},
    {"sib", {0x48, 0x89, 0x0c, 0x27}, 4, FLAGS}, /* index rsp: none */
};

struct native {
    uint64_t rax, rcx, r8, rflags, mem;
};

static uint8_t *code;

static void run_native(const struct cpu_case *c, struct native *n)
{
    uint64_t rax = n->rax, rcx = n->rcx, rflags = n->rflags;
    uint64_t *mem = &n->mem;

    memcpy(code, c->bytes, c->len);
    code[c->len] = 0xc3;

    /* Nothing between that could use the register. */
    register uint64_t r8 __asm__("r8") = n->r8;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n"
                     "push %[fl]\n popfq\n"
                     "call *%[code]\n"
                     "pushfq\n pop %[fl]\n"
                     "lea 128(%%rsp), %%rsp\n"
                     : "+a"(rax), "+c"(rcx), "+r"(r8), [fl] "+b"(rflags)
                     : [code] "S"(code), "D"(mem)
                     : "memory", "cc");
    n->rax = rax;
    n->rcx = rcx;
    n->r8 = r8;
    n->rflags = rflags;
}

static void check_case(const struct cpu_case *c, struct native n)
{
    struct cpu_user_regs regs = {
        .rax = n.rax, .rcx = n.rcx, .r8 = n.r8, .rflags = n.rflags};
    uint64_t mem = n.mem, mask;
    struct ptw_result r;
    struct ptw_insn insn;

    assert_true(ptw_decode(c->bytes, c->len, &insn));
    assert_int_equal(insn.len, c->len);
    mask = insn.size == 8 ? ~0ull : (1ull << (8 * insn.size)) - 1;
    ptw_execute(&insn, &regs, mem & mask, &r);
    if (r.store) {
        assert_int_equal(r.value & ~mask, 0);
        mem = (mem & ~mask) | r.value;
    }
    ptw_commit(&insn, &r, &regs);
    run_native(c, &n);
    if (mem != n.mem || regs.rax != n.rax || regs.rcx != n.rcx ||
        regs.r8 != n.r8 || ((regs.rflags ^ n.rflags) & c->flags))
        fail_msg("%s: memory %lx, CPU %lx; rax %lx, CPU %lx; rcx %lx, CPU %lx;"
                 " flags %lx, CPU %lx",
                 c->name, mem, n.mem, regs.rax, n.rax, regs.rcx, n.rcx,
                 regs.rflags, n.rflags);
}

static uint64_t random_value(void)
{
    static const uint64_t edges[] = {
        0,          1,          0x7f,       0x80,       0xff,  0x7fffffff,
        0x80000000, 0xffffffff, ~0ull >> 1, 1ull << 63, ~0ull, 0x8000};

    if (rand() % 2)
        return edges[(unsigned)rand() % ARRAY_SIZE(edges)];
    return (uint64_t)rand() << 33 ^ (uint64_t)rand() << 11 ^ (uint64_t)rand();
}

static void test_results_are_the_cpus(void **state)
{
    (void)state;
    srand(4);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        for (unsigned round = 0; round < 500; round++) {
            struct native n = {random_value(), random_value(), random_value(),
                               0x202 | ((uint64_t)rand() & FLAGS),
                               random_value()};

            if (rand() % 2)
                n.mem = n.rax;
            check_case(&cases[i], n);
        }
    }
}

/* Bytes that end early, registers as destination, and what stores nothing. */
static void test_others_are_refused(void **state)
{
    static const uint8_t refused[][8] = {
        {0x48, 0x89, 0xc8},             /* mov rcx, rax */
        {0x48, 0x39, 0x0f},             /* cmp */
        {0x48, 0x83, 0x3f, 0x01},       /* cmp imm */
        {0x48, 0x8b, 0x0f},             /* a load */
        {0xf3, 0x48, 0xab},             /* rep stos */
        {0x0f, 0xc7, 0x0f},             /* cmpxchg8b */
        {0x48, 0x0f, 0xba, 0x27, 0x05}, /* bt */
        {0xff, 0x37},                   /* push (%rdi) */
        {0x0f, 0x0b},                   /* ud2 */
        {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66},
    };
    struct ptw_insn insn;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++)
        assert_false(ptw_decode(refused[i], 8, &insn));
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t n = 0; n < cases[i].len; n++)
            assert_false(ptw_decode(cases[i].bytes, n, &insn));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_are_the_cpus),
        cmocka_unit_test(test_others_are_refused),
    };

    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
