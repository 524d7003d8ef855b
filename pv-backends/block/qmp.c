#include "pv-backends/block/qmp.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Does the line begin with `want`, whatever blanks there are between? */
static const char *begins(const char *line, const char *want)
{
    for (; *want; want++, line++) {
        line += strspn(line, " \t\r");
        if (*line != *want)
            return NULL;
    }
    return line;
}

enum qmp_line qmp_line(const char *line)
{
    const char *rest;

    if (begins(line, "{\"QMP\":"))
        return QMP_GREETING;
    if (begins(line, "{\"error\":"))
        return QMP_ERROR;
    if (!begins(line, "{\"return\":"))
        return QMP_OTHER;
    rest = begins(line, "{\"return\":[]}");
    return rest && !rest[strspn(rest, " \t\r")] ? QMP_EMPTY : QMP_DONE;
}

void qmp_error_text(const char *line, char *text, size_t size)
{
    const char *from = strstr(line, "\"desc\":");
    size_t n = 0;

    from = from ? strchr(from + strlen("\"desc\":"), '"') : NULL;
    if (!from) {
        snprintf(text, size, "it does not say why");
        return;
    }
    for (from++; *from && *from != '"' && n + 1 < size; from++) {
        if (*from == '\\' && from[1])
            from++;
        text[n++] = *from >= ' ' && *from < 127 ? *from : '?';
    }
    text[n] = 0;
}
