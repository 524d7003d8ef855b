/* xl.cfg text to tokens. Pure: never reads past the text. */
#ifndef DOM0_CONFIG_LEX_H
#define DOM0_CONFIG_LEX_H

#include <stddef.h>

#include "dom0/config/report.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NEWLINE, /* or ';' */
    TOKEN_NAME,
    TOKEN_NUMBER, /* its digits as text */
    TOKEN_STRING, /* without quotes, escapes resolved */
    TOKEN_ASSIGN, /* = */
    TOKEN_APPEND, /* += */
    TOKEN_COMMA,
    TOKEN_OPEN,  /* [ */
    TOKEN_CLOSE, /* ] */
    TOKEN_BAD,   /* reported already */
};

/* Longest name, number or string. */
#define TOKEN_MAX 16384

struct token {
    enum token_kind kind;
    struct place at;
    size_t len;
    char text[TOKEN_MAX + 1]; /* NAME, NUMBER, STRING; ends in NUL */
};

struct lexer {
    const char *next, *end;
    struct place at; /* of *next */
    struct report *report;
};

void lex_init(struct lexer *l, const char *text, size_t size,
              struct report *report);
void lex_next(struct lexer *l, struct token *t);
/* "a string", "`='", "the end of the line": for "expected ..., found ...". */
const char *token_describe(enum token_kind k);

#endif
