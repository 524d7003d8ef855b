#include "dom0/daemon/fault.h"

#include <stdarg.h>
#include <stdio.h>

int fault_set(struct fault *f, int rc, const char *code, const char *format,
              ...)
{
    va_list ap;

    if (!f || fault_is_set(f))
        return rc;
    snprintf(f->code, sizeof(f->code), "%s", code);
    va_start(ap, format);
    vsnprintf(f->text, sizeof(f->text), format, ap);
    va_end(ap);
    return rc;
}
