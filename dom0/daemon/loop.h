/*
 * The daemon's event loop and the way other threads reach it. Sockets, timers
 * and child processes belong to the loop's thread alone; work that waits runs
 * in threads of its own and hands its results over with loop_post().
 */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <event2/event.h>

struct loop;

int loop_create(struct loop **loop);
void loop_destroy(struct loop *loop);
struct event_base *loop_base(struct loop *loop);

/* Have the loop's thread run `run(arg)` soon, in the order of the posts. Any
 * thread; -ENOMEM, and then nothing will run. */
int loop_post(struct loop *loop, void (*run)(void *arg), void *arg);

/* The same and wait until it has run. Not from the loop's own thread. */
int loop_call(struct loop *loop, void (*run)(void *arg), void *arg);

#endif
