/* How values are shown. */
#include "xenstore/cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cmd_fail(const char *path)
{
    fprintf(stderr, "pvstore: %s: %s\n", path, strerror(errno));
    return 1;
}

/* One byte, as itself or escaped; the length. */
static size_t escape(char c, char *out)
{
    static const char names[] = "n\nt\tr\r\\\\";
    const char *s;

    for (s = names; *s; s += 2)
        if (s[1] == c)
            return (size_t)sprintf(out, "\\%c", s[0]);
    if (c >= ' ' && c <= '~')
        return (size_t)sprintf(out, "%c", c);
    return (size_t)sprintf(out, "\\x%02x", (unsigned char)c);
}

void print_escaped(const char *value, unsigned int len)
{
    char text[8];
    unsigned int i;

    for (i = 0; i < len; i++) {
        escape(value[i], text);
        fputs(text, stdout);
    }
}

json_t *json_value(const char *value, unsigned int len)
{
    char *text = malloc(4u * len + 8);
    size_t at = 0;
    unsigned int i;
    json_t *json;

    if (!text)
        return NULL;
    text[0] = '\0';
    /* JSON escapes the named ones itself. */
    for (i = 0; i < len; i++)
        if (value[i] && value[i] > 0 && value[i] != 127)
            at += (size_t)sprintf(text + at, "%c", value[i]);
        else
            at += escape(value[i], text + at);
    json = json_stringn(text, at);
    free(text);
    return json;
}

void print_json(json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    putchar('\n');
    json_decref(value);
}
