/* The protocol's payloads: strings in, error names out. */
#ifndef XENSTORE_CORE_WIRE_H
#define XENSTORE_CORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `payload` is exactly `nr` NUL-terminated strings; where they start.
 */
bool wire_strings(const char *payload, size_t len, const char **out, size_t nr);

/* How many NUL-terminated strings it is; 0 when bytes are left over. */
size_t wire_count(const char *payload, size_t len);

/* A whole decimal number up to `max`. */
bool wire_number(const char *text, unsigned long max, unsigned long *out);

/* The name an error has on the wire; those it lacks are "EINVAL". */
const char *wire_error(int err);

const char *wire_type_name(unsigned int type);

#endif
