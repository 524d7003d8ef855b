/*
 * Any text as a configuration: an answer, and if it is a refusal, a reason.
 * sources: dom0/config/lex.c dom0/config/parse.c dom0/config/value.c
 * sources: dom0/config/read.c dom0/config/names.c
 * sources: dom0/config/domconfig.c dom0/config/keys.c dom0/config/disk.c
 * sources: dom0/config/nic.c dom0/config/cpuset.c dom0/config/report.c
 */
#include "dom0/config/domconfig.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct domconfig *c = NULL;
    struct report r;
    int rc;

    report_init(&r, "fuzz");
    rc = domconfig_parse((const char *)data, size, NULL, &r, &c);
    if (!rc != (c != NULL) || !rc != !r.nr_errors)
        abort();
    if (rc && !report_first_error(&r))
        abort();
    if (c && (!c->name || !c->cmdline || c->vcpus > c->max_vcpus ||
              c->memory_kib > c->maxmem_kib))
        abort();
    domconfig_free(c);
    report_free(&r);
    return 0;
}
