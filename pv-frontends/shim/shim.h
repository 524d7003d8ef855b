/*
 * What the core asks of the kernel it lives in: about a dozen calls. Implement
 * them and compile core/ with your kernel; core/PORTING.md is the guide.
 *
 * Of C the core wants memcpy, memset, memcmp, strlen and strcmp, which it
 * declares in core/libc.h.
 */
#ifndef PARAVANE_SHIM_H
#define PARAVANE_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHIM_PAGE_SIZE 4096u

struct shared_info;

/* ---- the hypervisor ------------------------------------------------------ */

/*
 * Hypercall `nr` with up to four arguments; its result. Structures are passed
 * by address, and the hypervisor reads them through the current page tables.
 */
int64_t shim_hypercall(unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
                       uint64_t a4);

/* Where the kernel has mapped the shared_info page. */
struct shared_info *shim_shared_info(void);

/* What start_info (PV) or the HVM parameters (PVH) say, mapped by the kernel.
 */
struct shim_boot {
    void *store, *console; /* the two pages; NULL for a device we do not have */
    uint32_t store_port, console_port;
};
void shim_boot_info(struct shim_boot *boot);

/* ---- memory -------------------------------------------------------------- */

/* `nr` zeroed pages, side by side; NULL when there are none. Any context. */
void *shim_pages_alloc(unsigned int nr);
void shim_pages_free(void *pages, unsigned int nr);

/* The frame that goes into a grant for this page: machine (PV), guest (PVH). */
uint64_t shim_frame(const void *page);

/*
 * Map the frames of the grant table side by side, writable, for good. PV:
 * machine frames that the hypervisor owns. NULL when that fails.
 */
void *shim_map_frames(const uint64_t *frames, unsigned int nr);

/*
 * For the balloon: unmap a page of shim_pages_alloc() for good, so that the
 * frame behind it can be given away; and put a new frame behind it again.
 * `pfn` is the kernel's own number of the page. 0 or a negative error.
 */
int shim_page_detach(void *page, uint64_t *frame);
int shim_page_attach(void *page, uint64_t frame);
uint64_t shim_pfn(const void *page);

/* ---- time, order, words -------------------------------------------------- */

/*
 * Keep others away, event handlers on this CPU included, for a few dozen
 * instructions; the value goes back to shim_unlock(). Does not nest.
 */
unsigned long shim_lock(void);
void shim_unlock(unsigned long saved);

/* Monotonic nanoseconds, such as the hypervisor's system time. */
uint64_t shim_now_ns(void);

/*
 * Sleep until an event handler has run since the caller last looked, or until
 * the deadline. May return early; must not miss an event that comes between
 * the caller's look and this call.
 */
void shim_wait(uint64_t deadline_ns);

/* One line without its end, for the kernel's log. Any context. */
void shim_log(const char *line);

#endif
