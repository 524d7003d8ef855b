#include "pv-backends/console/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

int pty_open(struct pty *p)
{
    struct termios raw;

    memset(&raw, 0, sizeof(raw));
    cfmakeraw(&raw);
    raw.c_cflag |= CREAD;
    if (openpty(&p->master, &p->keeper, NULL, &raw, NULL)) {
        p->master = p->keeper = -1;
        return -errno;
    }
    fcntl(p->master, F_SETFD, FD_CLOEXEC);
    fcntl(p->keeper, F_SETFD, FD_CLOEXEC);
    if (ttyname_r(p->keeper, p->name, sizeof(p->name)) ||
        tcsetattr(p->keeper, TCSANOW, &raw)) {
        pty_close(p);
        return -EIO;
    }
    return 0;
}

void pty_close(struct pty *p)
{
    if (p->master >= 0)
        close(p->master);
    if (p->keeper >= 0)
        close(p->keeper);
    p->master = p->keeper = -1;
}
