/* What `pvn info` adds for a guest that has ended and was kept. */
#include "dom0/cli/cli.h"

#include "dom0/debug/target.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 10, QUIET_MS = 300, TEXT_MAX = 8192 };

/* The end of what the console daemon remembers. */
static size_t read_tail(int fd, char *text, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char bytes[2048];
    size_t len = 0;
    ssize_t n;

    while (poll(&p, 1, QUIET_MS) > 0 &&
           (n = read(fd, bytes, sizeof(bytes))) > 0) {
        size_t over = len + (size_t)n > size ? len + (size_t)n - size : 0;

        memmove(text, text + over, len - over);
        len -= over;
        memcpy(text + len, bytes, (size_t)n);
        len += (size_t)n;
    }
    return len;
}

/* A guest's text on our terminal: nothing that would move it about. */
static void put_line(const char *text, size_t len)
{
    printf("%-14s ", "said");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] >= ' ' && text[i] != 0x7f)
            putchar(text[i]);
    putchar('\n');
}

static void print_last_words(const char *guest)
{
    char text[TEXT_MAX];
    const char *line, *end;
    unsigned int nr = 0;
    size_t len;
    int fd;

    if (console_open(guest, &fd))
        return;
    len = read_tail(fd, text, sizeof(text));
    close(fd);
    while (len && strchr("\r\n", text[len - 1]))
        len--;
    /* Back to where the last few lines begin. */
    for (line = text + len; line > text; line--)
        if (line[-1] == '\n' && ++nr == LINES)
            break;
    for (; line < text + len; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + len - line));
        if (!end)
            end = text + len;
        put_line(line, (size_t)(end - line));
    }
}

static void print_vcpus(const char *guest)
{
    struct vcpu_guest_context c;
    struct target *t;

    if (guest_target(guest, &t))
        return;
    for (unsigned int v = 0; v < target_nr_vcpus(t); v++) {
        if (target_registers(t, v, &c))
            continue;
        printf("%-14s %u at %016llx in %s, rsp %016llx\n", "vcpu", v,
               (unsigned long long)c.user_regs.rip,
               c.flags & VGCF_in_kernel ? "the kernel" : "user space",
               (unsigned long long)c.user_regs.rsp);
    }
    target_close(t);
}

void print_dead(const char *guest)
{
    print_vcpus(guest);
    print_last_words(guest);
}
