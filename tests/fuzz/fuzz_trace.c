/*
 * Foreign bytes as the contents of a trace buffer: whatever they are, each
 * record is put into words and into a file, within their bounds.
 *
 * sources: dom0/debug/trace-decode.c dom0/debug/trace-text.c
 * sources: dom0/debug/trace-json.c
 */
#include "dom0/debug/trace.h"

#include <stdlib.h>
#include <string.h>

static struct trace_json json;

static void on_record(void *arg, const struct trace_record *r)
{
    struct trace_text t;

    trace_describe(r, &t);
    if (r->nr_words > TRACE_EXTRA_MAX || !t.what[0] || !t.kind ||
        strchr(t.what, '"') || strchr(t.more, '"'))
        abort();
    trace_json_add(&json, r, (double)r->tsc);
    ++*(size_t *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace_cpu who = {.domid = DOMID_IDLE};
    uint32_t *words = malloc(size + 4);
    size_t nr = 0, left;
    static FILE *null;

    if (!null)
        null = fopen("/dev/null", "w");
    memcpy(words, data, size);
    trace_json_begin(&json, null, 1, "fuzz");
    left = trace_decode(&who, words, size / 4, on_record, &nr);
    trace_json_end(&json, 0);
    if (left > size / 4 || nr > size / 4)
        abort();
    free(words);
    return 0;
}
