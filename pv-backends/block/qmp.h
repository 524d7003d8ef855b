/*
 * What a QEMU program answers on its monitor, as far as we ask: a line is one
 * JSON object. Answers have one member each, events several. Pure.
 */
#ifndef PARAVANE_BLOCK_QMP_H
#define PARAVANE_BLOCK_QMP_H

#include <stddef.h>

enum qmp_line {
    QMP_GREETING,
    QMP_DONE,  /* the command was carried out */
    QMP_EMPTY, /* and its answer is an empty list */
    QMP_ERROR, /* it was refused */
    QMP_OTHER, /* an event, or nothing that we know */
};

enum qmp_line qmp_line(const char *line);

/* The words of a QMP_ERROR, printable; always a string. */
void qmp_error_text(const char *line, char *text, size_t size);

#endif
