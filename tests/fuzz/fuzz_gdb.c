/*
 * Foreign bytes as gdb's packets, on a made-up guest; and as a System.map. When
 * the session ends the guest's memory has no breakpoint left in it.
 *
 * sources: dom0/debug/gdb.c dom0/debug/packet.c dom0/debug/regs.c
 * sources: dom0/debug/breaks.c dom0/debug/symbols.c
 * sources: tests/unit/dom0/target-fake.c
 */
#include "dom0/debug/gdb.h"
#include "dom0/debug/packet.h"
#include "dom0/debug/symbols.h"
#include "tests/unit/dom0/target-fake.h"

#include <stdlib.h>
#include <string.h>

static void on_send(void *arg, const char *bytes, size_t n)
{
    (void)arg, (void)bytes, (void)n;
}

/* A line is a packet: its checksum is made for it. */
static bool line(struct gdb *g, const uint8_t *data, size_t size)
{
    static char frame[70000];

    return gdb_input(g, (uint8_t *)frame,
                     packet_frame((const char *)data, size, frame));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct target guest;
    struct symbols *s = NULL;
    const char *warning;
    struct gdb *g;

    if (!symbols_parse(&s, (const char *)data, size))
        symbols_free(s);
    fake_target_reset(&guest);
    g = gdb_begin(&guest, on_send, NULL, false, &warning);
    gdb_input(g, data, size);
    while (size) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t n = end ? (size_t)(end - data) : size;

        if (n < 60000 && !line(g, data, n))
            break;
        if (gdb_is_running(g)) {
            fake_target_run(&guest, n % FAKE_VCPUS, 64);
            gdb_look(g);
        }
        n += end != NULL;
        data += n;
        size -= n;
    }
    gdb_end(g);
    if (guest.catching || guest.ctx[0].debugreg[7] ||
        guest.ctx[0].user_regs.rflags & 0x100)
        abort();
    return 0;
}
