/*
 * networks.conf: whatever was accepted can be told to nft and dnsmasq in whole
 * lines that name nothing but what the text said.
 *
 * sources: dom0/daemon/networks.c dom0/daemon/fault.c
 */
#include "dom0/daemon/networks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[64 * 1024];
    struct networks n;
    struct fault f = {0};
    size_t i;

    if (networks_parse(&n, "n", (const char *)data, size, &f)) {
        if (!fault_is_set(&f) || n.list)
            abort();
        return 0;
    }
    if (networks_nft(&n, text, sizeof(text)))
        abort();
    for (i = 0; i < n.nr; i++) {
        if (n.list[i].dhcp &&
            network_dnsmasq(&n.list[i], "/run", text, sizeof(text)))
            abort();
        if (strpbrk(n.list[i].bridge, "\"\n ;/"))
            abort();
    }
    networks_release(&n);
    return 0;
}
