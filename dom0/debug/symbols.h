/*
 * Names of a kernel's addresses, from its System.map (as nm prints it) or from
 * the ELF file itself.
 */
#ifndef DOM0_DEBUG_SYMBOLS_H
#define DOM0_DEBUG_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols;

/* 0, or -Exxx with a line for the user in `why`. */
int symbols_load(struct symbols **s, const char *path, char *why, size_t size);
/* The same from text in memory; -EINVAL when it holds no symbol. */
int symbols_parse(struct symbols **s, const char *text, size_t size);
void symbols_free(struct symbols *s); /* NULL is fine */

/* The symbol at or before an address and how far behind it; NULL: none. */
const char *symbols_name(const struct symbols *s, uint64_t address,
                         uint64_t *offset);
/* 0 when there is no such symbol. */
uint64_t symbols_address(const struct symbols *s, const char *name);
/* Code: between _stext and _etext, or from the first code to the last. */
bool symbols_is_text(const struct symbols *s, uint64_t address);
size_t symbols_count(const struct symbols *s);

#endif
