/* What lwIP wants of <string.h>, where there is none. */
#include "pv-frontends/core/libc.h"

void *memmove(void *to, const void *from, size_t size);
int strncmp(const char *a, const char *b, size_t size);
