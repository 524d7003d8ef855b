/* pvstore's commands: each a row of the table in main.c. */
#ifndef XENSTORE_CMD_CMD_H
#define XENSTORE_CMD_CMD_H

#include "xenstore/client/xs.h"

#include <jansson.h>

struct cmd {
    struct xs_handle *h;
    const char *name;
    bool json;   /* print one JSON value, or one per line as it goes */
    bool flat;   /* -f: whole paths */
    bool perms;  /* -p: with permissions */
    bool all;    /* -r: and everything below; rm -t: tidy */
    long count;  /* -n: that many and no more; 0: no end */
    double wait; /* -d: seconds between two looks */
    int argc;    /* what is left after the options */
    char **argv;
};

/* Each returns the exit status: 0, or 1 after saying what went wrong. */
int cmd_read(struct cmd *c);
int cmd_write(struct cmd *c);
int cmd_list(struct cmd *c);
int cmd_tree(struct cmd *c);
int cmd_rm(struct cmd *c);
int cmd_chmod(struct cmd *c);
int cmd_exists(struct cmd *c);
int cmd_watch(struct cmd *c);
int cmd_quotas(struct cmd *c);
int cmd_top(struct cmd *c);
int cmd_control(struct cmd *c);

/* "pvstore: <path>: <why>" from errno; returns 1. */
int cmd_fail(const char *path);

/* A value on one line: what is not printable as \n, \t, \\ or \xHH. */
void print_escaped(const char *value, unsigned int len);

/* The same as a JSON string (bytes beyond ASCII escaped likewise). */
json_t *json_value(const char *value, unsigned int len);

/* Print a JSON value on a line of its own, and let go of it. */
void print_json(json_t *value);

#endif
