/*
 * What a storage daemon's monitor says: any line is of some kind, and its words
 * are printable and bounded.
 *
 * sources: pv-backends/block/qmp.c
 */
#include "pv-backends/block/qmp.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char words[64], *line = malloc(size + 1);

    if (!line)
        return 0;
    memcpy(line, data, size);
    line[size] = 0;
    if (qmp_line(line) > QMP_OTHER)
        abort();
    qmp_error_text(line, words, sizeof(words));
    for (const char *p = words; *p; p++)
        if (*p < ' ' || *p > '~')
            abort();
    free(line);
    return 0;
}
