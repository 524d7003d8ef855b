#include "dom0/config/lex.h"

#include <ctype.h>
#include <string.h>

void lex_init(struct lexer *l, const char *text, size_t size,
              struct report *report)
{
    *l = (struct lexer){
        .next = text, .end = text + size, .at = {1, 1}, .report = report};
}

const char *token_describe(enum token_kind k)
{
    static const char *const names[] = {
        [TOKEN_END] = "the end of the file",
        [TOKEN_NEWLINE] = "the end of the line",
        [TOKEN_NAME] = "a name",
        [TOKEN_NUMBER] = "a number",
        [TOKEN_STRING] = "a string",
        [TOKEN_ASSIGN] = "`='",
        [TOKEN_APPEND] = "`+='",
        [TOKEN_COMMA] = "`,'",
        [TOKEN_OPEN] = "`['",
        [TOKEN_CLOSE] = "`]'",
        [TOKEN_BAD] = "something unreadable",
    };

    return names[k];
}

/* -1 at the end. */
static int peek(const struct lexer *l)
{
    return l->next < l->end ? (unsigned char)*l->next : -1;
}

static int take(struct lexer *l)
{
    int c = peek(l);

    if (c < 0)
        return c;
    l->next++;
    l->at.column++;
    if (c == '\n') {
        l->at.line++;
        l->at.column = 1;
    }
    return c;
}

/* Blanks and comments; a backslash joins two lines. */
static void skip_blanks(struct lexer *l)
{
    for (;;) {
        int c = peek(l);

        if (c == ' ' || c == '\t' || c == '\r') {
            take(l);
        } else if (c == '#') {
            while (peek(l) >= 0 && peek(l) != '\n')
                take(l);
        } else if (c == '\\' && l->end - l->next > 1 && l->next[1] == '\n') {
            take(l);
            take(l);
        } else {
            return;
        }
    }
}

static void append(struct lexer *l, struct token *t, int c)
{
    if (t->len == TOKEN_MAX) {
        if (t->kind != TOKEN_BAD)
            report_error(l->report, t->at, "this is too long (over %d bytes)",
                         TOKEN_MAX);
        t->kind = TOKEN_BAD;
        return;
    }
    t->text[t->len++] = (char)c;
}

static int hex_digit(int c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* \xHH with the x taken: one or two digits. */
static int escape_hex(struct lexer *l)
{
    int v = hex_digit(peek(l));

    if (v < 0)
        return -1;
    take(l);
    if (hex_digit(peek(l)) >= 0)
        v = v * 16 + hex_digit(take(l));
    return v;
}

static int escape_octal(struct lexer *l, int first)
{
    int v = first - '0';

    for (int i = 0; i < 2 && peek(l) >= '0' && peek(l) <= '7'; i++)
        v = v * 8 + (take(l) - '0');
    return v > 255 ? -1 : v;
}

/* What `\c` stands for, -1: nothing. The backslash is taken. */
static int escape(struct lexer *l)
{
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    int c = take(l);
    const char *at;

    if (c == 'x')
        return escape_hex(l);
    if (c >= '0' && c <= '7')
        return escape_octal(l, c);
    at = c > 0 ? strchr(from, c) : NULL;
    return at ? to[at - from] : -1;
}

static void lex_string(struct lexer *l, struct token *t)
{
    int quote = take(l);

    t->kind = TOKEN_STRING;
    for (;;) {
        struct place at = l->at;
        int c = peek(l);

        if (c < 0 || c == '\n') {
            report_error(l->report, t->at,
                         "this string has no closing %c on its line", quote);
            t->kind = TOKEN_BAD;
            return;
        }
        take(l);
        if (c == quote)
            return;
        if (c == '\\') {
            c = escape(l);
            if (c <= 0) {
                report_error(l->report, at,
                             "this is no escape sequence (\\n, \\t, \\\\, "
                             "\\\", \\', \\xHH or \\OOO is)");
                t->kind = TOKEN_BAD;
                c = '?';
            }
        }
        if (c == 0) {
            report_error(l->report, at, "a string cannot hold a zero byte");
            t->kind = TOKEN_BAD;
            c = '?';
        }
        append(l, t, c);
    }
}

static void lex_word(struct lexer *l, struct token *t, enum token_kind kind)
{
    t->kind = kind;
    while (isalnum(peek(l)) || peek(l) == '_')
        append(l, t, take(l));
}

static void lex_symbol(struct lexer *l, struct token *t)
{
    static const struct {
        char c;
        enum token_kind kind;
    } symbols[] = {
        {'\n', TOKEN_NEWLINE}, {';', TOKEN_NEWLINE}, {'=', TOKEN_ASSIGN},
        {',', TOKEN_COMMA},    {'[', TOKEN_OPEN},    {']', TOKEN_CLOSE},
    };
    int c = take(l);

    for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++)
        if (symbols[i].c == c) {
            t->kind = symbols[i].kind;
            return;
        }
    if (c == '+' && peek(l) == '=') {
        take(l);
        t->kind = TOKEN_APPEND;
        return;
    }
    t->kind = TOKEN_BAD;
    if (isprint(c))
        report_error(l->report, t->at,
                     "`%c' means nothing here (is it text without quotes?)", c);
    else
        report_error(l->report, t->at, "the byte 0x%02x means nothing here", c);
}

void lex_next(struct lexer *l, struct token *t)
{
    int c;

    skip_blanks(l);
    t->at = l->at;
    t->len = 0;
    c = peek(l);
    if (c < 0)
        t->kind = TOKEN_END;
    else if (c == '\'' || c == '"')
        lex_string(l, t);
    else if (isdigit(c))
        lex_word(l, t, TOKEN_NUMBER);
    else if (isalpha(c) || c == '_')
        lex_word(l, t, TOKEN_NAME);
    else
        lex_symbol(l, t);
    t->text[t->len] = 0;
}
