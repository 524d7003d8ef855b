#include "dom0/debug/regs.h"

#include "dom0/debug/packet.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* In the order of gdb's description of its feature i386.core, and then ours. */
static const struct {
    const char *name, *type, *more;
    uint16_t offset;     /* in struct vcpu_guest_context */
    uint8_t size, shown; /* bytes there (0: not there), and as gdb has it */
    bool fixed;          /* setting it is ignored */
} regs[] = {
#define SIZE(f) sizeof(((struct vcpu_guest_context *)0)->f)
#define R(name, f, type, shown, fixed)                                         \
    {                                                                          \
        name, type, "", offsetof(struct vcpu_guest_context, f), SIZE(f),       \
            shown, fixed                                                       \
    }
#define U(f, type, shown, fixed) R(#f, user_regs.f, type, shown, fixed)
#define NONE(name, type, shown)                                                \
    {                                                                          \
        name, type, " group=\"float\"", 0, 0, shown, true                      \
    }
    U(rax, "int64", 8, false),
    U(rbx, "int64", 8, false),
    U(rcx, "int64", 8, false),
    U(rdx, "int64", 8, false),
    U(rsi, "int64", 8, false),
    U(rdi, "int64", 8, false),
    U(rbp, "data_ptr", 8, false),
    U(rsp, "data_ptr", 8, false),
    U(r8, "int64", 8, false),
    U(r9, "int64", 8, false),
    U(r10, "int64", 8, false),
    U(r11, "int64", 8, false),
    U(r12, "int64", 8, false),
    U(r13, "int64", 8, false),
    U(r14, "int64", 8, false),
    U(r15, "int64", 8, false),
    U(rip, "code_ptr", 8, false),
    R("eflags", user_regs.rflags, "flags", 4, false),
    U(cs, "int32", 4, true),
    U(ss, "int32", 4, true),
    U(ds, "int32", 4, true),
    U(es, "int32", 4, true),
    U(fs, "int32", 4, true),
    U(gs, "int32", 4, true),
    /* gdb insists on them; a kernel has no use for them. */
    NONE("st0", "i387_ext", 10),
    NONE("st1", "i387_ext", 10),
    NONE("st2", "i387_ext", 10),
    NONE("st3", "i387_ext", 10),
    NONE("st4", "i387_ext", 10),
    NONE("st5", "i387_ext", 10),
    NONE("st6", "i387_ext", 10),
    NONE("st7", "i387_ext", 10),
    NONE("fctrl", "int", 4),
    NONE("fstat", "int", 4),
    NONE("ftag", "int", 4),
    NONE("fiseg", "int", 4),
    NONE("fioff", "int", 4),
    NONE("foseg", "int", 4),
    NONE("fooff", "int", 4),
    NONE("fop", "int", 4),
    /* The feature i386.segments. */
    R("fs_base", fs_base, "int64", 8, false),
    R("gs_base", gs_base_user, "int64", 8, false),
    /* Ours. */
    R("cr2", ctrlreg[2], "int64", 8, true),
    R("cr3", ctrlreg[3], "int64", 8, true),
#undef NONE
#undef U
#undef R
#undef SIZE
};

enum {
    NR_REGS = sizeof(regs) / sizeof(regs[0]),
    FS_BASE = 40,
    GS_BASE,
    OURS,
};

/* Where it lies; in the kernel, its own base of GS counts. */
static size_t offset_of(const struct vcpu_guest_context *c, unsigned int i)
{
    return i == GS_BASE && c->flags & VGCF_in_kernel
               ? offsetof(struct vcpu_guest_context, gs_base_kernel)
               : regs[i].offset;
}

static char *put(const struct vcpu_guest_context *c, unsigned int i, char *hex)
{
    uint64_t value = 0;

    if (!regs[i].size) {
        memset(hex, 'x', regs[i].shown * 2u);
        hex[regs[i].shown * 2] = 0;
        return hex + regs[i].shown * 2;
    }
    memcpy(&value, (const char *)c + offset_of(c, i), regs[i].size);
    return packet_put_hex(hex, &value, regs[i].shown);
}

static int get(struct vcpu_guest_context *c, unsigned int i, const char *hex)
{
    uint64_t value = 0;

    if (strlen(hex) < regs[i].shown * 2u)
        return -EINVAL;
    if (regs[i].fixed)
        return 0;
    if (packet_get_hex(hex, &value, regs[i].shown) != regs[i].shown)
        return -EINVAL;
    /* The upper half of the flags, which gdb does not have, is zero. */
    memcpy((char *)c + offset_of(c, i), &value, regs[i].size);
    return 0;
}

void regs_put(const struct vcpu_guest_context *c, char *hex)
{
    for (unsigned int i = 0; i < NR_REGS; i++)
        hex = put(c, i, hex);
}

int regs_get(struct vcpu_guest_context *c, const char *hex)
{
    int rc = 0;

    for (unsigned int i = 0; !rc && i < NR_REGS; i++) {
        rc = get(c, i, hex);
        hex += regs[i].shown * 2;
    }
    return rc;
}

int regs_put_one(const struct vcpu_guest_context *c, uint64_t nr, char *hex)
{
    if (nr >= NR_REGS)
        return -EINVAL;
    put(c, (unsigned int)nr, hex);
    return 0;
}

int regs_get_one(struct vcpu_guest_context *c, uint64_t nr, const char *hex)
{
    return nr < NR_REGS ? get(c, (unsigned int)nr, hex) : -EINVAL;
}

/* --- the description -------------------------------------------------------*/

static const char flags_type[] =
    "<flags id=\"flags\" size=\"4\">"
    "<field name=\"CF\" start=\"0\" end=\"0\"/>"
    "<field name=\"\" start=\"1\" end=\"1\"/>"
    "<field name=\"PF\" start=\"2\" end=\"2\"/>"
    "<field name=\"AF\" start=\"4\" end=\"4\"/>"
    "<field name=\"ZF\" start=\"6\" end=\"6\"/>"
    "<field name=\"SF\" start=\"7\" end=\"7\"/>"
    "<field name=\"TF\" start=\"8\" end=\"8\"/>"
    "<field name=\"IF\" start=\"9\" end=\"9\"/>"
    "<field name=\"DF\" start=\"10\" end=\"10\"/>"
    "<field name=\"OF\" start=\"11\" end=\"11\"/>"
    "<field name=\"NT\" start=\"14\" end=\"14\"/>"
    "<field name=\"RF\" start=\"16\" end=\"16\"/>"
    "<field name=\"AC\" start=\"18\" end=\"18\"/>"
    "<field name=\"ID\" start=\"21\" end=\"21\"/></flags>";

static const char *feature_at(unsigned int i)
{
    return i == 0         ? "org.gnu.gdb.i386.core"
           : i == FS_BASE ? "org.gnu.gdb.i386.segments"
           : i == OURS    ? "org.paravane.guest"
                          : NULL;
}

size_t regs_describe(char *xml, size_t size)
{
    FILE *f = fmemopen(xml, size, "w");
    long len;

    if (!f)
        return 0;
    fputs("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
          "<target><architecture>i386:x86-64</architecture>",
          f);
    for (unsigned int i = 0; i < NR_REGS; i++) {
        if (feature_at(i))
            fprintf(f, "%s<feature name=\"%s\">%s", i ? "</feature>" : "",
                    feature_at(i), i ? "" : flags_type);
        fprintf(f, "<reg name=\"%s\" bitsize=\"%d\" type=\"%s\"%s/>",
                regs[i].name, regs[i].shown * 8, regs[i].type, regs[i].more);
    }
    fputs("</feature></target>", f);
    len = ftell(f);
    fclose(f);
    return len > 0 && (size_t)len < size ? (size_t)len : 0;
}
