/* What domconfig.c and keys.c share. */
#ifndef DOM0_CONFIG_INTERNAL_H
#define DOM0_CONFIG_INTERNAL_H

#include "dom0/config/domconfig.h"
#include "dom0/config/value.h"

/* A configuration on its way from settings to struct. */
struct reader {
    struct domconfig *c;
    const struct settings *s;
    struct report *report;
    int rc; /* -ENOMEM */
};

enum key_kind {
    KEY_TEXT,    /* char * at offset */
    KEY_BOOL,    /* bool */
    KEY_INT,     /* int, min..max */
    KEY_UINT,    /* unsigned or uint32_t, min..max */
    KEY_ACTION,  /* enum domconfig_action */
    KEY_CALL,    /* call() reads it */
    KEY_LATER,   /* read in finish(), with others */
    KEY_NOTHING, /* of another kind of guest, or without meaning here */
    KEY_IGNORED, /* known, not done: a warning */
    KEY_REFUSED, /* the guest would miss what it asks for: an error */
};

struct key {
    const char *name;
    enum key_kind kind;
    size_t offset;
    int64_t min, max;
    void (*call)(struct reader *r, const struct value *v);
};

extern const struct key config_keys[];
extern const unsigned nr_config_keys;

/* Readers of single keys, for the table. */
void read_type(struct reader *r, const struct value *v);
void read_builder(struct reader *r, const struct value *v);
void read_uuid(struct reader *r, const struct value *v);
void read_bootloader_args(struct reader *r, const struct value *v);
void read_weight(struct reader *r, const struct value *v);
void read_tsc_mode(struct reader *r, const struct value *v);
void read_cpuid(struct reader *r, const struct value *v);
void read_disk(struct reader *r, const struct value *v);
void read_vif(struct reader *r, const struct value *v);

void read_action(struct reader *r, const struct value *v,
                 enum domconfig_action *a);
/* The text of an atom, or NULL with an error reported. */
const char *read_text(struct reader *r, const struct value *v);
bool read_number(struct reader *r, const struct value *v, int64_t min,
                 int64_t max, int64_t *n);
/* -ENOMEM is remembered in r->rc. */
char *read_dup(struct reader *r, const char *text);

#endif
