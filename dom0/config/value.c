#include "dom0/config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct value *value_new_atom(struct place at, const char *text, bool quoted)
{
    struct value *v = calloc(1, sizeof(*v));

    if (!v)
        return NULL;
    v->at = at;
    v->quoted = quoted;
    v->text = strdup(text);
    if (!v->text) {
        free(v);
        return NULL;
    }
    return v;
}

struct value *value_new_list(struct place at)
{
    struct value *v = calloc(1, sizeof(*v));

    if (!v)
        return NULL;
    v->at = at;
    v->list = true;
    return v;
}

/* Room for one more; doubles at each power of two. */
static void *grown(void *array, unsigned nr, size_t size)
{
    if (nr & (nr - 1))
        return array;
    return reallocarray(array, nr ? 2 * (size_t)nr : 1, size);
}

int value_list_add(struct value *list, struct value *item)
{
    struct value **items = grown(list->items, list->nr_items, sizeof(*items));

    if (!items) {
        value_free(item);
        return -ENOMEM;
    }
    list->items = items;
    items[list->nr_items++] = item;
    return 0;
}

void value_free(struct value *v)
{
    if (!v)
        return;
    for (unsigned i = 0; i < v->nr_items; i++)
        value_free(v->items[i]);
    free(v->items);
    free(v->text);
    free(v);
}

bool value_number(const struct value *v, int64_t *n)
{
    char *end;
    long long x;

    if (v->list || !v->text[0])
        return false;
    errno = 0;
    x = strtoll(v->text, &end, 0);
    if (errno || *end)
        return false;
    *n = x;
    return true;
}

static struct setting *find(const struct settings *s, const char *name)
{
    for (unsigned i = 0; i < s->nr; i++)
        if (!strcmp(s->s[i].name, name))
            return &s->s[i];
    return NULL;
}

const struct value *settings_get(const struct settings *s, const char *name)
{
    const struct setting *one = find(s, name);

    return one ? one->value : NULL;
}

static int extend_text(struct value *to, const struct value *more)
{
    size_t n = strlen(to->text), m = strlen(more->text);
    char *text = realloc(to->text, n + m + 1);

    if (!text)
        return -ENOMEM;
    memcpy(text + n, more->text, m + 1);
    to->text = text;
    return 0;
}

static int extend_list(struct value *to, struct value *more)
{
    int rc = 0;

    for (unsigned i = 0; i < more->nr_items && !rc; i++) {
        rc = value_list_add(to, more->items[i]);
        more->items[i] = NULL;
    }
    return rc;
}

static int extend(struct value *to, struct value *more, struct report *report)
{
    int rc = 0;

    if (to->list != more->list)
        report_error(report, more->at,
                     "`+=' joins two lists or two texts, not one of each");
    else
        rc = to->list ? extend_list(to, more) : extend_text(to, more);
    value_free(more);
    return rc;
}

int settings_put(struct settings *s, const char *name, struct place at,
                 struct value *v, bool append, struct report *report)
{
    struct setting *old = find(s, name), *grew;

    if (old && append)
        return extend(old->value, v, report);
    if (old) {
        value_free(old->value);
        old->value = v;
        old->at = at;
        return 0;
    }
    grew = grown(s->s, s->nr, sizeof(*grew));
    if (!grew)
        goto free;
    s->s = grew;
    grew[s->nr] = (struct setting){.name = strdup(name), .at = at, .value = v};
    if (!grew[s->nr].name)
        goto free;
    s->nr++;
    return 0;

free:
    value_free(v);
    return -ENOMEM;
}

void settings_free(struct settings *s)
{
    for (unsigned i = 0; i < s->nr; i++) {
        free(s->s[i].name);
        value_free(s->s[i].value);
    }
    free(s->s);
    *s = (struct settings){0};
}
