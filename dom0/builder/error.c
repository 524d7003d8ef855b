#include "dom0/builder/error.h"

#include <stdarg.h>
#include <stdio.h>

int builder_fail(struct builder_error *e, int rc, const char *fmt, ...)
{
    va_list ap;

    e->rc = rc;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    return rc;
}
