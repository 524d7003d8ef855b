/*
 * Building short texts (paths, keys, numbers, log lines) without a printf. A
 * text that did not fit says so, and is cut but still ended by a NUL.
 */
#ifndef PARAVANE_CORE_TEXT_H
#define PARAVANE_CORE_TEXT_H

#include "pv-frontends/core/libc.h"

struct text {
    char *buf;
    size_t size, len;
    bool cut;
};

struct text text_in(char *buf, size_t size);
void text_str(struct text *t, const char *s);
void text_uint(struct text *t, uint64_t n);
void text_hex(struct text *t, uint64_t n);

/* Strings one after the other, up to a NULL; false when they did not fit. */
bool text_join(char *buf, size_t size, const char *first, ...)
    __attribute__((sentinel));

/* A decimal number and nothing else. 0 or -XEN_EINVAL. */
int text_to_uint(const char *s, uint64_t *value);

/* Log `what`, and a number when there is one to say. */
void log_words(const char *who, const char *what);
void log_number(const char *who, const char *what, int64_t n);

#endif
