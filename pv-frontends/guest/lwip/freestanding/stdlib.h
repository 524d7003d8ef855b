/* What lwIP wants of <stdlib.h>; only code that is linked out calls it. */
int atoi(const char *s);
