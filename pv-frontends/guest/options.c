#include "pv-frontends/core/text.h"
#include "pv-frontends/guest/guest.h"

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

bool option_text(const char *key, char *value, size_t size)
{
    size_t n = strlen(key);
    const char *s;

    for (unsigned int i = 0; (s = word_at(i)); i++) {
        if (memcmp(s, key, n) || s[n] != '=')
            continue;
        copy_word(s + n + 1, value, size);
        return true;
    }
    return false;
}

uint64_t option_number(const char *key, uint64_t otherwise)
{
    char value[24];
    uint64_t n;

    if (!option_text(key, value, sizeof(value)) || text_to_uint(value, &n))
        return otherwise;
    return n;
}
