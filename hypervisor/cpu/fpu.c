#include "cpu/fpu.h"

#include "cpu/feature.h"
#include "cpu/policy.h"
#include "domain/domain.h"

/* The legacy region, then (with XSAVE) the header. SDM vol. 1, 13.4. */
struct fpu_area {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved0;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[384];
    uint8_t reserved1[96];
    uint64_t xstate_bv, xcomp_bv, reserved2[6];
} ALIGNED(64);
static_assert(sizeof(struct fpu_area) == 576, "SDM vol. 1, 13.4.2");

#define LEGACY_SIZE   512
#define XSTATE_FP     1ull
#define XSTATE_SSE    2ull
#define XSTATE_AVX    4ull
#define XSTATE_AVX512 0xe0ull
#define FCW_RESET     0x37f
#define MXCSR_RESET   0x1f80
#define MXCSR_MASK    0xffbfu /* when the CPU reports none */

static void xsetbv(uint64_t v)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)v),
                     "d"((uint32_t)(v >> 32)));
}

/* A page holds the area whatever the CPU's features (feature.c checks). */
int fpu_vcpu_init(struct vcpu *v)
{
    struct fpu_area *area = page_alloc();

    if (!area)
        return -ENOMEM;
    area->fcw = FCW_RESET;
    area->mxcsr = MXCSR_RESET;
    v->xsave = area;
    v->xcr0 = host_xcr0 ? XSTATE_FP : 0;
    return 0;
}

void fpu_vcpu_free(struct vcpu *v)
{
    page_free(v->xsave);
    v->xsave = NULL;
}

static void clts(void)
{
    __asm__ volatile("clts");
}

void fpu_save(struct vcpu *v)
{
    clts(); /* the guest's virtual TS may be in the register */
    if (!host_xcr0) {
        __asm__ volatile("fxsave64 (%0)" ::"r"(v->xsave) : "memory");
        return;
    }
    /* Whole, also what the guest has turned off in its XCR0 for now. */
    if (v->xcr0 != host_xcr0)
        xsetbv(host_xcr0);
    __asm__ volatile("xsave64 (%0)" ::"r"(v->xsave), "a"((uint32_t)host_xcr0),
                     "d"((uint32_t)(host_xcr0 >> 32))
                     : "memory");
}

/*
 * AMD: the restore leaves FIP, FDP and FOP alone unless an exception is
 * pending. Load something so that the last owner's do not shine through.
 */
static void hide_x87_pointers(void)
{
    static const uint32_t zero;

    __asm__ volatile("fnclex; ffree %%st(7); fildl %0" ::"m"(zero));
}

/*
 * The image is ours alone to write, checked in fpu_load_legacy(), so the
 * restore does not fault. XCR0 is host_xcr0 between save and restore: a CPU
 * runs fpu_restore() only after fpu_save() or out of the idle vCPU.
 */
void fpu_restore(struct vcpu *v)
{
    clts();
    if (cpu_has(FEAT_AMD) && !cpu_has(FEAT_RSTR_FP_ERR_PTRS))
        hide_x87_pointers();
    if (!host_xcr0) {
        __asm__ volatile("fxrstor64 (%0)" ::"r"(v->xsave) : "memory");
    } else {
        __asm__ volatile("xrstor64 (%0)" ::"r"(v->xsave),
                         "a"((uint32_t)host_xcr0),
                         "d"((uint32_t)(host_xcr0 >> 32))
                         : "memory");
        if (v->xcr0 != host_xcr0)
            xsetbv(v->xcr0);
    }
    if (v->pv.ts)
        write_cr0(read_cr0() | CR0_TS);
}

static bool xcr0_is_sane(uint64_t xcr0)
{
    if (!(xcr0 & XSTATE_FP))
        return false;
    if (xcr0 & XSTATE_AVX && !(xcr0 & XSTATE_SSE))
        return false;
    if (xcr0 & XSTATE_AVX512)
        return (xcr0 & XSTATE_AVX512) == XSTATE_AVX512 && xcr0 & XSTATE_AVX;
    return true;
}

int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0)
{
    if (!host_xcr0 || !xcr0_is_sane(xcr0) ||
        xcr0 & ~(policy_xcr0(v->domain) & host_xcr0))
        return -EINVAL;
    v->xcr0 = xcr0;
    if (v == current)
        xsetbv(xcr0);
    return 0;
}

static uint32_t mxcsr_valid_bits(void)
{
    struct fpu_area area;
    uint64_t cr0 = read_cr0();

    memset(&area, 0, sizeof(area));
    clts();
    __asm__ volatile("fxsave64 %0" : "+m"(area));
    write_cr0(cr0);
    return area.mxcsr_mask ? area.mxcsr_mask : MXCSR_MASK;
}

void fpu_load_legacy(struct vcpu *v, const void *fxsave_image)
{
    struct fpu_area *area = v->xsave;

    memset(area, 0, PAGE_SIZE);
    memcpy(area, fxsave_image, LEGACY_SIZE);
    /* Bits the CPU does not know would make the restore fault. */
    area->mxcsr &= mxcsr_valid_bits();
    memset(area->reserved1, 0, sizeof(area->reserved1));
    if (host_xcr0)
        area->xstate_bv = XSTATE_FP | XSTATE_SSE;
}

void fpu_store_legacy(const struct vcpu *v, void *fxsave_image)
{
    const struct fpu_area *area = v->xsave;
    struct fpu_area *out = fxsave_image;

    memcpy(out, area, LEGACY_SIZE);
    if (!host_xcr0)
        return;
    /* A component in its initial state need not have been written. */
    if (!(area->xstate_bv & XSTATE_FP)) {
        memset(out, 0, offsetof(struct fpu_area, mxcsr));
        memset(out->registers, 0, 128);
        out->fcw = FCW_RESET;
    }
    if (!(area->xstate_bv & XSTATE_SSE))
        memset(out->registers + 128, 0, 256);
}
