/* One request to pvnd, and its answer. */
#include "dom0/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool client_quiet;

static const struct {
    const char *code;
    int status;
} codes[] = {
    {"bad-request", EXIT_USAGE}, {"bad-params", EXIT_USAGE},
    {"bad-config", EXIT_CONFIG}, {"not-found", EXIT_ABSENT},
    {"exists", EXIT_EXISTS},     {"busy", EXIT_BUSY},
    {"no-memory", EXIT_MEMORY},  {"device", EXIT_DEVICE},
    {"timeout", EXIT_TIMEOUT},   {"failed", EXIT_FAILED},
};

void say_error(const char *format, ...)
{
    va_list ap;

    fputs("pvn: ", stderr);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
}

int print_json(json_t *o)
{
    int rc = json_dumpf(o, stdout, JSON_INDENT(2));

    putchar('\n');
    json_decref(o);
    return rc || fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

const char *get_string(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

json_int_t get_int(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

const char *client_socket(void)
{
    const char *path = getenv("PVND_SOCKET");

    return path && *path ? path : "/run/paravane/pvnd.sock";
}

static FILE *reach(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const char *path = client_socket();
    FILE *f;
    int fd;

    if (strlen(path) >= sizeof(addr.sun_path)) {
        say_error("%s: the path is too long", path);
        return NULL;
    }
    strcpy(addr.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
        if (errno == EACCES)
            say_error("%s: you are neither root nor in its group", path);
        else
            say_error("pvnd does not answer at %s: %s", path, strerror(errno));
        close(fd);
        return NULL;
    }
    f = fd < 0 ? NULL : fdopen(fd, "r");
    if (!f)
        say_error("cannot talk to pvnd: %s", strerror(errno));
    return f;
}

/* Not through the stream, which is for reading: a daemon that just died must
 * cost an error, not a signal. */
static bool send_all(int fd, const char *text, size_t len)
{
    ssize_t n;

    while (len) {
        n = send(fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static int send_request(FILE *f, const char *method, json_t *params)
{
    json_t *o = json_pack("{s:i,s:s,s:o}", "id", 1, "method", method, "params",
                          params ? params : json_object());
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    bool sent = text && send_all(fileno(f), text, strlen(text)) &&
                send_all(fileno(f), "\n", 1);

    free(text);
    json_decref(o);
    if (!sent)
        say_error("the request cannot be sent: pvnd went away");
    return sent ? EXIT_OK : EXIT_NO_DAEMON;
}

static int failure(const json_t *error)
{
    const char *code = get_string(error, "code");
    size_t i;

    say_error("%s", get_string(error, "message"));
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (!strcmp(codes[i].code, code))
            return codes[i].status;
    return EXIT_FAILED;
}

static void progress(const char *text)
{
    if (!client_quiet || !strncmp(text, "warning", 7))
        fprintf(stderr, "pvn: %s\n", text);
}

/* -1: not the last line yet. */
static int take_line(const char *line, json_t **result)
{
    json_t *o = json_loads(line, 0, NULL), *v;
    int status = -1;

    if ((v = json_object_get(o, "progress"))) {
        progress(json_string_value(v) ? json_string_value(v) : "");
    } else if ((v = json_object_get(o, "error"))) {
        status = failure(v);
    } else if ((v = json_object_get(o, "result"))) {
        if (result)
            *result = json_incref(v);
        status = EXIT_OK;
    } else {
        say_error("pvnd's answer makes no sense");
        status = EXIT_NO_DAEMON;
    }
    json_decref(o);
    return status;
}

int client_call(const char *method, json_t *params, json_t **result)
{
    FILE *f = reach();
    char *line = NULL;
    size_t size = 0;
    int status;

    if (!f) {
        json_decref(params);
        return EXIT_NO_DAEMON;
    }
    status = send_request(f, method, params);
    if (status == EXIT_OK)
        status = -1;
    while (status == -1) {
        if (getline(&line, &size, f) < 0) {
            say_error("pvnd went away before it answered; it finishes or "
                      "undoes what it was doing when it is back");
            status = EXIT_NO_DAEMON;
            break;
        }
        status = take_line(line, result);
    }
    free(line);
    fclose(f);
    return status;
}

int client_guest_call(const char *method, const char *guest)
{
    return client_call(method, json_pack("{s:s}", "guest", guest), NULL);
}
