/* What the parts of bench_store share. A figure is a line "name clients value
 * unit" on standard output. */
#ifndef BENCH_STORE_BENCH_H
#define BENCH_STORE_BENCH_H

#include <stdbool.h>
#include <sys/types.h>

#define CLIENTS_MAX 32

struct bench {
    const char *path; /* the daemon's socket or a device */
    double seconds;   /* per point */
    int most_nodes;   /* to which the store is filled for what depends on it */
    int most_clients;
    pid_t daemon;     /* 0: unknown */
    const char *only; /* words of which a point's name has to contain one */
};

/* Below which everything happens. */
extern const char *base;

bool wanted(const struct bench *b, const char *name);
void figure(const char *name, int clients, double value, const char *unit);

/* User and system time of the daemon so far, in microseconds; 0: unknown. */
double daemon_cpu_us(const struct bench *b);

/* One operation of client `k`; how many things it counts for. */
typedef int op_fn(int fd, int k, unsigned long round);

/* Rates with 1, 8 and 32 clients. */
void rates(const struct bench *b);
double per_second(const struct bench *b, int fd, op_fn *op);
op_fn op_write, op_start_abort;

/* Single costs: watches, large directories, large stores. */
void costs(const struct bench *b);

/* Make nodes first..end of the filling, a hundred to a directory, pipelined. */
void fill(int fd, int first, int end);

/* A bare echo server's rates: what two processes can exchange at best. */
void echo_rates(const struct bench *b);
void echo_points(const struct bench *b); /* its clients' part */

#endif
