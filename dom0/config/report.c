#include "dom0/config/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_init(struct report *r, const char *file)
{
    *r = (struct report){.file = file};
}

void report_free(struct report *r)
{
    for (unsigned i = 0; i < r->nr_lines; i++)
        free(r->lines[i].text);
    free(r->lines);
    r->lines = NULL;
    r->nr_lines = 0;
}

static char *message(const struct report *r, struct place at, const char *what)
{
    char *text;
    int n;

    if (at.line)
        n = asprintf(&text, "%s:%u:%u: %s", r->file, at.line, at.column, what);
    else
        n = asprintf(&text, "%s: %s", r->file, what);
    return n < 0 ? NULL : text;
}

/* What has no room or no memory is counted only. */
static void add(struct report *r, bool error, struct place at, const char *fmt,
                va_list ap)
{
    struct report_line *lines;
    char *what;

    if (error)
        r->nr_errors++;
    else
        r->nr_warnings++;
    if (r->nr_lines == REPORT_MAX_LINES || vasprintf(&what, fmt, ap) < 0)
        return;
    lines = reallocarray(r->lines, r->nr_lines + 1, sizeof(*lines));
    if (lines) {
        r->lines = lines;
        lines[r->nr_lines] = (struct report_line){
            .error = error, .at = at, .text = message(r, at, what)};
        if (lines[r->nr_lines].text)
            r->nr_lines++;
    }
    free(what);
}

void report_error(struct report *r, struct place at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(r, true, at, fmt, ap);
    va_end(ap);
}

void report_warning(struct report *r, struct place at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(r, false, at, fmt, ap);
    va_end(ap);
}

const char *report_first_error(const struct report *r)
{
    for (unsigned i = 0; i < r->nr_lines; i++)
        if (r->lines[i].error)
            return r->lines[i].text;
    return NULL;
}
