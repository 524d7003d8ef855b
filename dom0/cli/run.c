#include "dom0/cli/run.h"

#include "dom0/cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    CTRL_A = 1,
    MARK = 036,
    LOOK_MS = 250,
    LAST_WORDS_MS = 300,
    OFF_TRIES = 40, /* looks that a power-off may take */
};

enum fate { FATE_RUNS, FATE_GONE, FATE_ENDED, FATE_CRASHED };

struct watch {
    const char *guest;
    int console;
    bool expects, leave, said;
    int code; /* -1: not said */
    /* Text since a MARK that may be the result. */
    char held[32];
    size_t nr_held;
    bool swallow; /* the line's end behind it */
    bool escape;  /* Ctrl-A was typed */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
    (void)signo;
    interrupted = 1;
}

/* --- out of the guest ------------------------------------------------------*/

static void held_done(struct watch *w, char *out, size_t *n)
{
    int code;

    w->held[w->nr_held] = 0;
    if (sscanf(w->held + 1, "pvn exit %d", &code) == 1) {
        w->code = code;
        w->swallow = true;
    } else {
        memcpy(out + *n, w->held, w->nr_held);
        *n += w->nr_held;
    }
    w->nr_held = 0;
}

/* `out` has room for what was held, too. */
static size_t filter(struct watch *w, const char *in, size_t size, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        if (!w->nr_held && in[i] != MARK) {
            if (!w->swallow || !strchr("\r\n", in[i]))
                out[n++] = in[i];
            w->swallow &= in[i] == '\r';
            continue;
        }
        w->held[w->nr_held++] = in[i];
        if ((w->nr_held > 1 && in[i] == MARK) ||
            w->nr_held == sizeof(w->held) - 1)
            held_done(w, out, &n);
    }
    return n;
}

/* False when the console is no more. */
static bool from_guest(struct watch *w)
{
    char in[4096], out[sizeof(in) + sizeof(w->held)];
    ssize_t n = read(w->console, in, sizeof(in));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0)
        return false;
    w->said = true;
    return console_write(STDOUT_FILENO, out, filter(w, in, (size_t)n, out));
}

/* --- into it ---------------------------------------------------------------*/

/* Ctrl-A x ends, Ctrl-A Ctrl-A is one Ctrl-A. */
static size_t typed(struct watch *w, char *bytes, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < size && !w->leave; i++) {
        if (w->escape && (bytes[i] == 'x' || bytes[i] == 'X'))
            w->leave = true;
        else if (bytes[i] == CTRL_A && !w->escape)
            ;
        else
            bytes[n++] = bytes[i];
        w->escape = bytes[i] == CTRL_A && !w->escape;
    }
    return n;
}

/* False when there is no more to come. */
static bool from_user(struct watch *w)
{
    char bytes[1024];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

    if (n < 0 && errno == EINTR)
        return true;
    return n > 0 &&
           console_write(w->console, bytes, typed(w, bytes, (size_t)n));
}

/* --- how it goes -----------------------------------------------------------*/

static enum fate fate_of(const char *guest)
{
    json_t *list = NULL, *g;
    enum fate fate = FATE_GONE;
    size_t i;

    if (client_call("list", NULL, &list))
        return FATE_GONE;
    json_array_foreach(json_object_get(list, "guests"), i, g)
    {
        if (strcmp(get_string(g, "name"), guest))
            continue;
        fate = FATE_RUNS;
        if (!strcmp(get_string(g, "state"), "crashed"))
            fate = FATE_CRASHED;
        else if (!strcmp(get_string(g, "state"), "shutdown"))
            fate = FATE_ENDED;
    }
    json_decref(list);
    return fate;
}

/* What it said last may still be on its way. */
static void last_words(struct watch *w)
{
    struct pollfd p = {.fd = w->console, .events = POLLIN};

    while (poll(&p, 1, LAST_WORDS_MS) > 0 && from_guest(w))
        ;
}

/* One turn of the loop. False when there is nothing more to wait for. */
static bool relay(struct watch *w, bool *listening, enum fate *fate)
{
    struct pollfd p[2] = {
        {.fd = w->console, .events = POLLIN},
        {.fd = *listening ? STDIN_FILENO : -1, .events = POLLIN}};
    int n = poll(p, 2, LOOK_MS);

    if (n < 0 && errno != EINTR)
        return false;
    if (n > 0 && p[0].revents && !from_guest(w)) {
        *fate = FATE_GONE;
        return false;
    }
    if (n > 0 && p[1].revents && !from_user(w))
        *listening = false;
    if (n == 0)
        *fate = fate_of(w->guest);
    return *fate == FATE_RUNS && !w->leave && !interrupted && w->code < 0;
}

/* It said its result: let it power off, so that its disks are in order. */
static void wait_for_off(struct watch *w)
{
    for (int i = 0; i < OFF_TRIES && fate_of(w->guest) == FATE_RUNS; i++)
        usleep(LOOK_MS * 200);
}

static int verdict(struct watch *w, enum fate fate)
{
    if (w->code >= 0)
        return w->code;
    if (w->leave || interrupted)
        return RUN_INTERRUPTED;
    if (fate == FATE_CRASHED && !w->said)
        say_error("the guest crashed before it said anything: pvn dmesg may "
                  "tell why, pvn run -k keeps it for pvn stack");
    else if (fate == FATE_CRASHED)
        say_error("the guest crashed");
    else if (w->expects)
        say_error("the guest ended and did not say how the command did");
    else
        return EXIT_OK;
    return RUN_NO_RESULT;
}

/* --- the terminal ----------------------------------------------------------*/

static bool terminal_raw(struct termios *before)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, before))
        return false;
    raw = *before;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    return true;
}

static void watch_signals(void)
{
    const struct sigaction end = {.sa_handler = on_signal};

    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGHUP, &end, NULL);
}

int run_watch(const char *guest, int console, bool expects, bool *crashed)
{
    struct watch w = {
        .guest = guest, .console = console, .expects = expects, .code = -1};
    enum fate fate = FATE_RUNS;
    struct termios before;
    bool terminal = terminal_raw(&before), listening = true;

    watch_signals();
    while (relay(&w, &listening, &fate))
        ;
    if (w.code >= 0)
        wait_for_off(&w);
    last_words(&w);
    if (terminal)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fate = fate_of(guest);
    *crashed = fate == FATE_CRASHED;
    if (fate != FATE_GONE && !*crashed)
        (void)client_guest_call("destroy", guest);
    return verdict(&w, fate);
}
