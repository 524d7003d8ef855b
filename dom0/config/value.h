/* What a configuration says before it means anything: names and values. */
#ifndef DOM0_CONFIG_VALUE_H
#define DOM0_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "dom0/config/report.h"

struct value {
    struct place at;
    bool list;
    bool quoted; /* an atom that was a string; else a bare number */
    char *text;  /* of an atom */
    struct value **items;
    unsigned nr_items;
};

struct setting {
    char *name;
    struct place at;
    struct value *value;
};

/* Each name once; what a later line said has replaced or extended it. */
struct settings {
    struct setting *s;
    unsigned nr;
};

struct value *value_new_atom(struct place at, const char *text, bool quoted);
struct value *value_new_list(struct place at);
/* Takes the item over in any case; -ENOMEM. */
int value_list_add(struct value *list, struct value *item);
void value_free(struct value *v); /* NULL is fine */

/* Takes the value over in any case. `append`: += rather than =. */
int settings_put(struct settings *s, const char *name, struct place at,
                 struct value *v, bool append, struct report *report);
void settings_free(struct settings *s);
const struct value *settings_get(const struct settings *s, const char *name);

/* The atom as a whole number, of any base C knows. */
bool value_number(const struct value *v, int64_t *n);

#endif
