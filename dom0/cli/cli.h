/*
 * What the verbs of pvn share. A verb is one file, cmd-<verb>.c, and one row of
 * the table in main.c.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How pvn ends; in pvn(1). */
enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_ABSENT = 3, /* no such guest or device */
    EXIT_EXISTS = 4, /* there is one already */
    EXIT_BUSY = 5,   /* in use, or another operation goes on */
    EXIT_CONFIG = 6, /* the configuration */
    EXIT_MEMORY = 7, /* not enough memory */
    EXIT_DEVICE = 8, /* a disk, a bridge, a backend */
    EXIT_TIMEOUT = 9,
    EXIT_NO_DAEMON = 10 /* pvnd does not answer */
};

struct verb {
    const char *name;
    const char *arguments; /* "GUEST [--force]" */
    const char *summary;   /* one line, for the list */
    const char *help;      /* options, one a line; may be "" */
    int (*run)(int argc, char **argv);
};

/* --- options ---------------------------------------------------------------*/

/* One option of a verb: a flag, or one with a value. */
struct opt {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    bool *flag;       /* set when given */
    const char **value;
};

/*
 * Take the options out of argv (they may stand anywhere; "--" ends them) and
 * leave nr arguments in args, at least `min` and at most `max`. On a mistake
 * says what is wrong and returns -1. `--help` prints the verb's help and ends
 * the program.
 */
int options_take(const struct opt *opts, int argc, char **argv,
                 const char **args, int min, int max);
void verb_help(const struct verb *v);
extern const struct verb *current_verb;

/* --- the daemon ------------------------------------------------------------*/

/* Where pvnd listens: $PVND_SOCKET, or the usual place. */
const char *client_socket(void);

/*
 * Ask and wait for the answer; progress goes to standard error. `params` is
 * given up. EXIT_OK with *result (to decref; may be NULL if unwanted), or what
 * to exit with, after the reason was printed.
 */
int client_call(const char *method, json_t *params, json_t **result);
/* A call about one guest that answers nothing. */
int client_guest_call(const char *method, const char *guest);
/* Print no progress (warnings are printed anyway). */
extern bool client_quiet;

/* --- output ----------------------------------------------------------------*/

void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As indented JSON on standard output; gives `o` up. */
int print_json(json_t *o);

/* Members of an object, with what stands for an absent one. */
const char *get_string(const json_t *o, const char *key);
json_int_t get_int(const json_t *o, const char *key);

/* A number from min (0 or more) to max. -1: it is none. */
long parse_number(const char *text, long min, long max);

/* "512", "512M", "1G", "524288K" to KiB; plain numbers are MiB. -1: no size. */
long long parse_size_kib(const char *text);

/* gdb: let gdbs at a guest through a port or a serial line (a path) until it is
 * gone or we are told to end; the guest goes on after each. What to exit with.
 */
int gdb_serve(const char *guest, const char *where);
/* info: where the vcpus of a guest that ended stand, and its last lines. */
void print_dead(const char *guest);

/* --- verbs -----------------------------------------------------------------*/

int cmd_create(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_console(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_gdb(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_stack(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_unpause(int argc, char **argv);
int cmd_shutdown(int argc, char **argv);
int cmd_reboot(int argc, char **argv);
int cmd_destroy(int argc, char **argv);
int cmd_vcpu_set(int argc, char **argv);
int cmd_mem_set(int argc, char **argv);
int cmd_sched(int argc, char **argv);
int cmd_block_attach(int argc, char **argv);
int cmd_block_detach(int argc, char **argv);
int cmd_block_limit(int argc, char **argv);
int cmd_network_attach(int argc, char **argv);
int cmd_network_detach(int argc, char **argv);
int cmd_network_list(int argc, char **argv);
int cmd_dmesg(int argc, char **argv);
int cmd_debug_keys(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_store(int argc, char **argv);
int cmd_version(int argc, char **argv);

/*
 * A guest's number; a guest to look into. EXIT_OK, or what to exit with, after
 * the reason was printed.
 */
struct target;
int guest_domid(const char *guest, uint32_t *domid);
int guest_target(const char *guest, struct target **t);

/*
 * A guest's console as a descriptor; a guest that was just made has it a moment
 * later. EXIT_OK, or what to exit with, after the reason was printed.
 */
int console_open(const char *guest, int *fd);
/* All of it; false when that fails. */
bool console_write(int fd, const char *bytes, size_t n);
/* console: attach this terminal to a guest's; cmd-create.c may, too. */
int console_attach(const char *guest);

#endif
