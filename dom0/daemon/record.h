/*
 * Small JSON files in a directory under /run that tell the next pvnd what this
 * one knew. A file is there complete or not at all; memory holds it, so it
 * costs no disk and is gone after a reboot, as the guests are.
 */
#ifndef DAEMON_RECORD_H
#define DAEMON_RECORD_H

#include <jansson.h>

/* Write `o` (given up here) as dir/name.json. */
int record_write(const char *dir, const char *name, json_t *o);
/* Absent is fine. */
void record_remove(const char *dir, const char *name);
/* NULL when there is none or it is no JSON object. */
json_t *record_read(const char *dir, const char *name);

/* Each record of `dir`; it may be removed meanwhile. Half-written files of an
 * earlier life are swept away. */
void record_each(const char *dir,
                 void (*found)(void *ctx, const char *name, json_t *o),
                 void *ctx);

#endif
