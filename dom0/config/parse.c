/*
 * The grammar:
 *     file    = { [ setting ] ( newline | ";" ) }
 *     setting = name ( "=" | "+=" ) value
 *     value   = number | string | "[" [ value { "," value } [ "," ] ] "]"
 * Within brackets newlines are blanks.
 */
#include "dom0/config/parse.h"
#include "dom0/config/lex.h"

#include <errno.h>
#include <stdlib.h>

struct parser {
    struct lexer lexer;
    struct token t; /* the one looked at */
    struct report *report;
    int rc; /* -ENOMEM, and then nothing goes on */
};

static void next(struct parser *p)
{
    lex_next(&p->lexer, &p->t);
}

static void skip_newlines(struct parser *p)
{
    while (p->t.kind == TOKEN_NEWLINE)
        next(p);
}

/* One bad token is reported once, by the lexer. */
static void expected(struct parser *p, const char *what)
{
    if (p->t.kind == TOKEN_BAD)
        return;
    if (p->t.kind == TOKEN_NAME)
        report_error(p->report, p->t.at, "expected %s, found `%.60s'", what,
                     p->t.text);
    else
        report_error(p->report, p->t.at, "expected %s, found %s", what,
                     token_describe(p->t.kind));
}

/* After an error: on with the next line. */
static void skip_line(struct parser *p)
{
    while (p->t.kind != TOKEN_NEWLINE && p->t.kind != TOKEN_END)
        next(p);
}

static struct value *parse_value(struct parser *p, unsigned depth);

/* One item into `list`; false: not readable, or too much. */
static bool parse_item(struct parser *p, struct value *list, unsigned depth)
{
    struct value *item;

    if (list->nr_items == PARSE_MAX_ITEMS) {
        report_error(p->report, p->t.at, "a list can have up to %d items",
                     PARSE_MAX_ITEMS);
        return false;
    }
    item = parse_value(p, depth + 1);
    if (!item)
        return false;
    p->rc = value_list_add(list, item);
    return !p->rc;
}

static void unclosed(struct parser *p, struct place open)
{
    report_error(p->report, open,
                 "this `[' has no `]' before the end of the file");
}

static struct value *parse_list(struct parser *p, unsigned depth)
{
    struct place open = p->t.at;
    struct value *list;

    if (depth == PARSE_MAX_DEPTH) {
        report_error(p->report, open, "lists go only %d deep", PARSE_MAX_DEPTH);
        return NULL;
    }
    list = value_new_list(open);
    if (!list) {
        p->rc = -ENOMEM;
        return NULL;
    }
    next(p);
    for (;;) {
        skip_newlines(p);
        if (p->t.kind == TOKEN_CLOSE)
            break;
        if (p->t.kind == TOKEN_END) {
            unclosed(p, open);
            goto bad;
        }
        if (!parse_item(p, list, depth))
            goto bad;
        skip_newlines(p);
        if (p->t.kind == TOKEN_CLOSE)
            break;
        if (p->t.kind == TOKEN_END) {
            unclosed(p, open);
            goto bad;
        }
        if (p->t.kind != TOKEN_COMMA) {
            expected(p, "`,' or `]'");
            goto bad;
        }
        next(p);
    }
    next(p);
    return list;

bad:
    value_free(list);
    return NULL;
}

/* NULL: reported, or p->rc. */
static struct value *parse_value(struct parser *p, unsigned depth)
{
    struct value *v;

    if (p->t.kind == TOKEN_OPEN)
        return parse_list(p, depth);
    if (p->t.kind != TOKEN_STRING && p->t.kind != TOKEN_NUMBER) {
        expected(p, "a value (a number, a string in quotes, or a list)");
        return NULL;
    }
    v = value_new_atom(p->t.at, p->t.text, p->t.kind == TOKEN_STRING);
    if (!v)
        p->rc = -ENOMEM;
    next(p);
    return v;
}

static void parse_setting(struct parser *p, struct settings *s)
{
    struct place at = p->t.at;
    char name[64];
    struct value *v;
    bool append;
    size_t i;

    if (p->t.kind != TOKEN_NAME) {
        expected(p, "the name of a setting");
        return skip_line(p);
    }
    for (i = 0; i < sizeof(name) - 1 && p->t.text[i]; i++)
        name[i] = p->t.text[i];
    name[i] = 0;
    next(p);
    append = p->t.kind == TOKEN_APPEND;
    if (p->t.kind != TOKEN_ASSIGN && !append) {
        expected(p, "`=' after the name");
        return skip_line(p);
    }
    next(p);
    v = parse_value(p, 0);
    if (!v)
        return skip_line(p);
    if (p->t.kind != TOKEN_NEWLINE && p->t.kind != TOKEN_END) {
        expected(p, "the end of the line");
        value_free(v);
        return skip_line(p);
    }
    p->rc = settings_put(s, name, at, v, append, p->report);
}

int parse_settings(const char *text, size_t size, struct settings *s,
                   struct report *report)
{
    struct parser *p;
    int rc;

    if (size > PARSE_MAX_SIZE) {
        report_error(report, (struct place){0},
                     "this is too long for a configuration (over %u bytes)",
                     PARSE_MAX_SIZE);
        return 0;
    }
    p = malloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->report = report;
    p->rc = 0;
    lex_init(&p->lexer, text, size, report);
    next(p);
    while (!p->rc && p->t.kind != TOKEN_END) {
        if (p->t.kind == TOKEN_NEWLINE) {
            next(p);
        } else if (s->nr == PARSE_MAX_SETTINGS) {
            report_error(report, p->t.at, "over %d settings",
                         PARSE_MAX_SETTINGS);
            break;
        } else {
            parse_setting(p, s);
        }
    }
    rc = p->rc;
    free(p);
    return rc;
}
