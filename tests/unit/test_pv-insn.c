/*
 * The decoder of privileged instructions, against the encodings of the SDM.
 * sources: hypervisor/pv/insn.c
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "pv/insn.h"

#include <cmocka.h>

static struct insn insn;

#define DECODE(...)                                                            \
    decode((const uint8_t[]){__VA_ARGS__},                                     \
           sizeof((const uint8_t[]){__VA_ARGS__}), true)

/* A copy of the exact size: reading on would be seen by the sanitizer. */
static int decode(const uint8_t *bytes, size_t n, bool long_mode)
{
    uint8_t *copy = malloc(n);
    int rc;

    memcpy(copy, bytes, n);
    rc = insn_decode(copy, n, long_mode, &insn);
    free(copy);
    return rc;
}

/* Bit 0 of the opcode is the width, 66 makes 32 bits 16. */
static void test_port_instructions_have_their_width(void **state)
{
    (void)state;
    assert_int_equal(DECODE(0xe4, 0x42), 0);
    assert_int_equal(insn.op_bytes, 1);
    assert_int_equal(insn.imm, 0x42);
    assert_int_equal(insn.length, 2);
    assert_int_equal(DECODE(0xed), 0);
    assert_int_equal(insn.op_bytes, 4);
    assert_int_equal(DECODE(0x66, 0xef), 0);
    assert_int_equal(insn.op_bytes, 2);
    assert_int_equal(insn.length, 2);
    assert_int_equal(DECODE(0x48, 0xed), 0); /* REX.W changes nothing */
    assert_int_equal(insn.op_bytes, 4);
    assert_int_equal(insn.length, 2);
}

static void test_string_prefixes(void **state)
{
    (void)state;
    assert_int_equal(DECODE(0xf3, 0x6d), 0);
    assert_true(insn.rep);
    assert_int_equal(insn.op_bytes, 4);
    assert_int_equal(DECODE(0x66, 0xf3, 0x67, 0x6f), 0);
    assert_true(insn.rep && insn.addr32);
    assert_int_equal(insn.op_bytes, 2);
    assert_int_equal(insn.length, 4);
    assert_int_equal(DECODE(0x64, 0x6e), 0);
    assert_true(insn.segment_base);
}

/* mov %cr4, %r9 and the like: REX.R extends CR, REX.B the register. */
static void test_moves_name_their_registers(void **state)
{
    (void)state;
    assert_int_equal(DECODE(0x41, 0x0f, 0x20, 0xe1), 0);
    assert_int_equal(insn.opcode, INSN_TWO_BYTE | 0x20);
    assert_int_equal(insn.reg, 4);
    assert_int_equal(insn.rm, 9);
    assert_int_equal(insn.length, 4);
    assert_int_equal(DECODE(0x44, 0x0f, 0x22, 0xc0), 0); /* mov %rax, %cr8 */
    assert_int_equal(insn.reg, 8);
    assert_int_equal(insn.rm, 0);
}

static void test_two_byte_ones(void **state)
{
    (void)state;
    assert_int_equal(DECODE(0x0f, 0x30), 0);
    assert_int_equal(insn.opcode, INSN_TWO_BYTE | 0x30);
    assert_int_equal(insn.length, 2);
    assert_int_equal(DECODE(0x0f, 0x01, 0xd1), 0);
    assert_int_equal(insn.modrm, 0xd1);
    assert_int_equal(insn.length, 3);
    assert_int_equal(DECODE(0x0f, 0xa2), 0);
}

/* Memory forms of 0f 01 (LGDT, INVLPG), LOCK, and all the rest. */
static void test_others_are_refused(void **state)
{
    (void)state;
    assert_int_equal(DECODE(0x0f, 0x01, 0x13), -EINVAL);
    assert_int_equal(DECODE(0xf0, 0xed), -EINVAL);
    assert_int_equal(DECODE(0xf4), -EINVAL);
    assert_int_equal(DECODE(0x90), -EINVAL);
    assert_int_equal(DECODE(0x0f, 0x05), -EINVAL);
    /* A prefix behind REX makes REX void; nobody writes that. */
    assert_int_equal(DECODE(0x48, 0x66, 0xed), -EINVAL);
}

/* 40..4f are INC and DEC outside of 64-bit code. */
static void test_rex_is_for_long_mode(void **state)
{
    static const uint8_t bytes[] = {0x48, 0xed};

    (void)state;
    assert_int_equal(decode(bytes, 2, false), -EINVAL);
}

/* Every cut of every encoding is refused, and reads nothing beyond. */
static void test_short_fetches_are_refused(void **state)
{
    static const uint8_t full[][4] = {{0x41, 0x0f, 0x20, 0xe1},
                                      {0x66, 0xf3, 0x67, 0x6f},
                                      {0x66, 0x48, 0xe5, 0x10},
                                      {0x48, 0x0f, 0x01, 0xd1}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(full); i++) {
        assert_int_equal(decode(full[i], 4, true), 0);
        for (size_t n = 0; n < 4; n++)
            assert_int_equal(decode(full[i], n, true), -EINVAL);
    }
}

/* The architecture's limit is 15 bytes, prefixes included. */
static void test_endless_prefixes_are_refused(void **state)
{
    uint8_t bytes[20];

    (void)state;
    memset(bytes, 0x66, sizeof(bytes));
    bytes[15] = 0xed;
    assert_int_equal(decode(bytes, sizeof(bytes), true), -EINVAL);
    bytes[14] = 0xed;
    assert_int_equal(decode(bytes, sizeof(bytes), true), 0);
    assert_int_equal(insn.length, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_port_instructions_have_their_width),
        cmocka_unit_test(test_string_prefixes),
        cmocka_unit_test(test_moves_name_their_registers),
        cmocka_unit_test(test_two_byte_ones),
        cmocka_unit_test(test_others_are_refused),
        cmocka_unit_test(test_rex_is_for_long_mode),
        cmocka_unit_test(test_short_fetches_are_refused),
        cmocka_unit_test(test_endless_prefixes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
