/* Why something could not be done, in one clear sentence for the user. */
#ifndef DOM0_BUILDER_ERROR_H
#define DOM0_BUILDER_ERROR_H

struct builder_error {
    int rc;         /* -Exxx, 0: nothing went wrong */
    char text[400]; /* no newline at the end */
};

/* Fill it and return rc, so that callers can `return builder_fail(...)`. */
int builder_fail(struct builder_error *e, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
