/*
 * The door to the guest ABI. Definitions are libxen-dev's; this header pulls
 * them in with the types they expect. Include `abi/<name>.h` or this one,
 * never <xen/...> directly.
 */
#ifndef ABI_BASE_H
#define ABI_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>

#include "abi/errno.h"

#ifndef static_assert
#define static_assert _Static_assert
#endif

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

/* Domains 0..DOMID_FIRST_RESERVED-1 are real ones (<xen/xen.h>). */
static_assert(sizeof(struct vcpu_info) == 64, "ABI layout");
static_assert(sizeof(struct start_info) <= PAGE_SIZE, "ABI layout");

#endif
