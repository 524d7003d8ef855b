/* xl.cfg text to settings. */
#ifndef DOM0_CONFIG_PARSE_H
#define DOM0_CONFIG_PARSE_H

#include <stddef.h>

#include "dom0/config/value.h"

/* Limits on what a file may hold; beyond them it is refused. */
#define PARSE_MAX_SIZE     (1u << 20)
#define PARSE_MAX_SETTINGS 512
#define PARSE_MAX_ITEMS    1024 /* of one list */
#define PARSE_MAX_DEPTH    8

/*
 * 0 also when there were errors: look at the report. Only -ENOMEM stops it
 * early. `s` starts zeroed and is the caller's to free in any case.
 */
int parse_settings(const char *text, size_t size, struct settings *s,
                   struct report *report);

#endif
