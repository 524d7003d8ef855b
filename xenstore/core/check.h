/* Does the store keep its own promises? For CONTROL check and for tests. */
#ifndef XENSTORE_CORE_CHECK_H
#define XENSTORE_CORE_CHECK_H

#include "xenstore/core/store.h"

/* NULL when all is well, else a sentence about what is not. */
const char *store_check(struct store *s);

#endif
