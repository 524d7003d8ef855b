/*
 * What is to be said about a configuration: warnings and errors, each with its
 * place, in the order of the text.
 */
#ifndef DOM0_CONFIG_REPORT_H
#define DOM0_CONFIG_REPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct place {
    unsigned line, column; /* from 1; 0: the configuration as a whole */
};

struct report_line {
    bool error; /* else a warning */
    struct place at;
    char *text; /* "g.cfg:3:8: expected a value, found `]'" */
};

/* At most this many are kept: a hostile file must not fill the memory. */
#define REPORT_MAX_LINES 64

struct report {
    const char *file; /* the name that messages begin with; not owned */
    struct report_line *lines;
    unsigned nr_lines, nr_errors, nr_warnings;
};

void report_init(struct report *r, const char *file);
void report_free(struct report *r);

void report_error(struct report *r, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void report_warning(struct report *r, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Text of the first error, or NULL. */
const char *report_first_error(const struct report *r);

#endif
