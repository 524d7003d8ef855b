/*
 * await SECONDS FILE REGEX [FILE REGEX]...: until a line of one of the files
 * has its extended regular expression in it, also the last line, which may not
 * be finished. Files may come later, grow, or be begun anew. Exits with 0, or
 * with 1 when the time is over.
 *
 * A shell that looks again and again costs several processes a look, and on an
 * emulated machine that is what the waited-for has to wait for.
 */
#include <fcntl.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FILES = 8, LINE = 4096, NAP_NS = 50 * 1000 * 1000 };

/* `line` holds what was read of the line that `offset` is in. */
struct awaited {
    const char *path;
    regex_t regex;
    ino_t inode;
    off_t offset;
    char line[LINE];
    size_t length;
};

static struct awaited files[MAX_FILES];
static int nr_files;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool line_matches(struct awaited *a)
{
    a->line[a->length] = 0;
    return !regexec(&a->regex, a->line, 0, NULL, 0);
}

/* What is longer than a line may be begins another one. */
static bool take(struct awaited *a, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '\n' && a->length < LINE - 1) {
            a->line[a->length++] = text[i] ? text[i] : ' ';
            continue;
        }
        if (line_matches(a))
            return true;
        a->length = 0;
    }
    return line_matches(a);
}

static bool look(struct awaited *a)
{
    char text[65536];
    struct stat st;
    ssize_t n = 0;
    bool found = false;
    int fd;

    if (stat(a->path, &st) ||
        (st.st_ino == a->inode && st.st_size == a->offset))
        return false;
    if (st.st_ino != a->inode || st.st_size < a->offset)
        a->offset = a->length = 0;
    fd = open(a->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    a->inode = st.st_ino;
    while (!found && (n = pread(fd, text, sizeof(text), a->offset)) > 0) {
        a->offset += n;
        found = take(a, text, (size_t)n);
    }
    close(fd);
    return found;
}

int main(int argc, char **argv)
{
    const struct timespec nap = {.tv_nsec = NAP_NS};
    double end = now() + (argc > 1 ? atof(argv[1]) : 0);

    for (int i = 2; i + 1 < argc && nr_files < MAX_FILES; i += 2) {
        files[nr_files].path = argv[i];
        if (regcomp(&files[nr_files++].regex, argv[i + 1],
                    REG_EXTENDED | REG_NOSUB))
            nr_files = MAX_FILES + 1;
    }
    if (argc < 4 || argc != 2 + 2 * nr_files) {
        fprintf(stderr, "usage: await SECONDS FILE REGEX [FILE REGEX]...\n");
        return 2;
    }
    for (;;) {
        for (int i = 0; i < nr_files; i++)
            if (look(&files[i]))
                return 0;
        if (now() >= end)
            return 1;
        nanosleep(&nap, NULL);
    }
}
