/*
 * The first process of a guest that `pvn run` started with a command: mounts
 * what a command expects, runs it (or a shell), says on the console how it
 * ended, and powers off. Freestanding, so that it runs in any root, and without
 * any library.
 *
 * /.pvn/cmd holds the command's words, each ended by a NUL; none is a shell.
 * The result is "\036pvn exit N\036" on the console, which pvn takes out.
 */
#include <fcntl.h>
#include <linux/reboot.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/types.h>

enum { MAX_WORDS = 256, CMD_MAX = 65536, NO_SUCH = 127, CANNOT = 126 };

static long call5(long nr, long a, long b, long c, long d, long e)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret;
}

#define CALL(nr, a, b, c) call5(SYS_##nr, (long)(a), (long)(b), (long)(c), 0, 0)

static char words[CMD_MAX];
static const char *argv[MAX_WORDS + 1];
static const char *const envp[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root", "TERM=linux", NULL};

static size_t length(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

static void say(const char *s)
{
    CALL(write, 1, s, length(s));
}

static void mount(const char *what, const char *where, const char *type)
{
    CALL(mkdir, where, 0755, 0);
    call5(SYS_mount, (long)what, (long)where, (long)type, 0, 0);
}

/* The console is standard input and output, and a terminal to be in control of.
 */
static void take_console(void)
{
    long fd = CALL(open, "/dev/hvc0", O_RDWR, 0);

    if (fd < 0)
        fd = CALL(open, "/dev/console", O_RDWR, 0);
    for (long i = 0; fd >= 0 && i < 3; i++)
        CALL(dup2, fd, i, 0);
    if (fd > 2)
        CALL(close, fd, 0, 0);
}

static void read_command(void)
{
    long fd = CALL(open, "/.pvn/cmd", O_RDONLY, 0), n = 0;
    unsigned int nr = 0;

    if (fd >= 0)
        n = CALL(read, fd, words, CMD_MAX - 1);
    for (long i = 0; i < n && nr < MAX_WORDS; i += (long)length(words + i) + 1)
        argv[nr++] = words + i;
    if (!nr) {
        argv[0] = "/bin/sh";
        argv[1] = "-i";
    }
}

/* As execvp() would: a word without a slash is looked for in the path. */
static long run(void)
{
    static const char *const folders[] = {"/usr/local/sbin/", "/usr/local/bin/",
                                          "/usr/sbin/",       "/usr/bin/",
                                          "/sbin/",           "/bin/"};
    static char path[4096 + 32];
    const char *slash = argv[0];
    long rc = -2;

    while (*slash && *slash != '/')
        slash++;
    if (*slash)
        return CALL(execve, argv[0], argv, envp);
    for (unsigned int i = 0; i < 6 && length(argv[0]) < 4096; i++) {
        char *to = path;

        for (const char *s = folders[i]; *s; s++)
            *to++ = *s;
        for (const char *s = argv[0]; *s; s++)
            *to++ = *s;
        *to = 0;
        rc = CALL(execve, path, argv, envp);
        if (rc != -2)
            break;
    }
    return rc;
}

static void child(void)
{
    long rc;

    CALL(setsid, 0, 0, 0);
    CALL(ioctl, 0, TIOCSCTTY, 1);
    rc = run();
    say("pvn run: cannot run ");
    say(argv[0]);
    say("\n");
    CALL(exit_group, rc == -2 ? NO_SUCH : CANNOT, 0, 0);
}

/* Wait for it, and for whatever else ends meanwhile. */
static int wait_for(long pid)
{
    int status = 0;
    long got;

    do
        got = call5(SYS_wait4, -1, (long)&status, 0, 0, 0);
    while (got != pid && got != -10 /* no child */);
    if (status & 0x7f)
        return 128 + (status & 0x7f);
    return status >> 8 & 0xff;
}

static void report(int code)
{
    char text[] = "\036pvn exit 000\036\n";

    for (unsigned int i = 12; i-- > 10; code /= 10)
        text[i + 1] = (char)('0' + code % 10);
    text[10] = (char)('0' + code % 10);
    say(text);
    CALL(ioctl, 1, TCSBRK, 1); /* until the console has it */
}

static void begin(void) __attribute__((used));
static void begin(void)
{
    int code;
    long pid;

    mount("proc", "/proc", "proc");
    mount("sys", "/sys", "sysfs");
    mount("dev", "/dev", "devtmpfs");
    mount("pts", "/dev/pts", "devpts");
    mount("run", "/run", "tmpfs");
    mount("tmp", "/tmp", "tmpfs");
    take_console();
    read_command();
    pid = CALL(fork, 0, 0, 0);
    if (!pid)
        child();
    code = pid < 0 ? CANNOT : wait_for(pid);
    take_console(); /* its session's end hung the terminal up */
    report(code);
    CALL(sync, 0, 0, 0);
    call5(SYS_reboot, (long)LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
          LINUX_REBOOT_CMD_POWER_OFF, 0, 0);
    for (;;)
        CALL(pause, 0, 0, 0);
}

/* The stack is as the kernel left it: a multiple of 16, as a call wants it. */
__asm__(".globl _start\n_start: xor %ebp, %ebp\n call begin\n");
