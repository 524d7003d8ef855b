/*
 * A pseudo-terminal for tools that expect a console to be one.
 */
#ifndef PARAVANE_CONSOLE_PTY_H
#define PARAVANE_CONSOLE_PTY_H

struct pty {
    int master; /* -1: not open, or given away */
    int keeper; /* our own hold on the other side: without one reads fail */
    char name[64];
};

/* Raw: what the guest says is not echoed back to it. 0 or -errno. */
int pty_open(struct pty *p);
void pty_close(struct pty *p);

#endif
