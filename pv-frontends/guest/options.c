#include "pv-frontends/core/text.h"
#include "pv-frontends/guest/program.h"

/* Skip to a word; NULL at the end. */
static const char *word_at(unsigned int i)
{
    const char *s = (const char *)start_info->cmd_line;
    const char *end = s + sizeof(start_info->cmd_line);

    for (;; i--) {
        while (s < end && *s == ' ')
            s++;
        if (s == end || !*s)
            return NULL;
        if (!i)
            return s;
        while (s < end && *s && *s != ' ')
            s++;
    }
}

static void copy_word(const char *s, char *to, size_t size)
{
    const char *end =
        (const char *)start_info->cmd_line + sizeof(start_info->cmd_line);
    size_t n = 0;

    for (; s < end && *s && *s != ' ' && n + 1 < size; s++)
        to[n++] = *s;
    to[n] = 0;
}

bool option_word(unsigned int i, char *word, size_t size)
{
    const char *s = word_at(i);

    if (s)
        copy_word(s, word, size);
    return s;
}

/* The value in a word `key=value`; NULL when it is another word. */
static const char *value_in(const char *word, const char *key)
{
    for (; *key; word++, key++)
        if (*word != *key)
            return NULL;
    return *word == '=' ? word + 1 : NULL;
}

bool option_text(const char *key, char *value, size_t size)
{
    const char *word, *v;

    for (unsigned int i = 0; (word = word_at(i)); i++) {
        v = value_in(word, key);
        if (!v)
            continue;
        copy_word(v, value, size);
        return true;
    }
    return false;
}

uint64_t option_number(const char *key, uint64_t otherwise)
{
    char value[OPTION_MAX];
    uint64_t n;

    if (!option_text(key, value, sizeof(value)) || text_to_uint(value, &n))
        return otherwise;
    return n;
}

/* "10.9.0.2", exactly. */
static bool parse_address(char *s, uint8_t address[4])
{
    for (unsigned int i = 0; i < 4; i++) {
        char *end = s;
        uint64_t n;

        while (*end && *end != '.')
            end++;
        if ((*end == 0) != (i == 3))
            return false;
        *end = 0;
        if (text_to_uint(s, &n) || n > 255)
            return false;
        address[i] = (uint8_t)n;
        s = end + 1;
    }
    return true;
}

bool option_address(const char *key, uint8_t address[4])
{
    char text[OPTION_MAX];
    uint8_t a[4];

    if (!option_text(key, text, sizeof(text)) || !parse_address(text, a))
        return false;
    memcpy(address, a, 4);
    return true;
}

/* ---- before a program begins ----------------------------------------------
 */

/* One of "this,that". */
static bool is_among(const char *word, const char *words)
{
    size_t n = strlen(word);

    for (const char *w = words; n && *w;) {
        const char *end = w;

        while (*end && *end != ',')
            end++;
        if ((size_t)(end - w) == n && !memcmp(w, word, n))
            return true;
        w = *end ? end + 1 : end;
    }
    return false;
}

static int check_value(const struct option *o, const char *value)
{
    char copy[OPTION_MAX];
    uint8_t address[4];
    uint64_t n;

    copy_word(value, copy, sizeof(copy));
    switch (o->kind) {
    case OPTION_NUMBER:
        if (!text_to_uint(copy, &n) && n >= o->least && n <= o->most)
            return 0;
        return program_fail("%s=%s is no number from %lu to %lu", o->key, copy,
                            o->least, o->most);
    case OPTION_ADDRESS:
        if (parse_address(copy, address))
            return 0;
        copy_word(value, copy, sizeof(copy));
        return program_fail("%s=%s is no IPv4 address", o->key, copy);
    default:
        if (is_among(copy, o->words))
            return 0;
        return program_fail("%s=%s is none of %s", o->key, copy, o->words);
    }
}

static int check_word(const struct option *known, const char *word)
{
    char text[OPTION_MAX], keys[100];
    struct text t = text_in(keys, sizeof(keys));

    for (const struct option *o = known; o && o->key; o++) {
        const char *value = value_in(word, o->key);

        if (value)
            return check_value(o, value);
        text_str(&t, " ");
        text_str(&t, o->key);
        text_str(&t, "=");
    }
    copy_word(word, text, sizeof(text));
    return program_fail("no option %s, there are:%s", text,
                        t.len ? keys : " none");
}

int options_check(const struct option *known, unsigned int first)
{
    const char *word;
    int rc = 0;

    for (unsigned int i = first; !rc && (word = word_at(i)); i++)
        rc = check_word(known, word);
    return rc;
}
