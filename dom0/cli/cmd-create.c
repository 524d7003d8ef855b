#include "dom0/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 64
#define CONFIG_MAX   (256 * 1024)

/* A file's text with room for more; NULL after saying why. */
static char *read_config(const char *path, size_t *len)
{
    FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
    char *text = malloc(CONFIG_MAX + 1);

    if (!f || !text) {
        say_error("%s: %s", path, strerror(errno));
        if (f && f != stdin)
            fclose(f);
        free(text);
        return NULL;
    }
    *len = fread(text, 1, CONFIG_MAX, f);
    if (ferror(f) || !feof(f) || memchr(text, 0, *len)) {
        say_error("%s: %s", path,
                  ferror(f) ? strerror(errno)
                            : "too long, or not text: no configuration");
        free(text);
        text = NULL;
    } else {
        text[*len] = 0;
    }
    if (f != stdin)
        fclose(f);
    return text;
}

/* memory=512 as xl takes it: a value that is no number, list or string by its
 * look is quoted. */
static bool needs_quotes(const char *value)
{
    return !strchr("\"'[", value[0]) &&
           value[strspn(value, "0123456789xabcdefABCDEF")] != 0;
}

static int append_setting(char **text, size_t *len, const char *setting)
{
    const char *eq = strchr(setting, '='), *value = eq ? eq + 1 : "";
    const char *quote = needs_quotes(value) || !*value ? "\"" : "";
    size_t size = *len + strlen(setting) + 8;
    char *more;

    if (!eq || eq == setting) {
        say_error("\"%s\" is not KEY=VALUE", setting);
        return -1;
    }
    more = realloc(*text, size);
    if (!more)
        return -1;
    *text = more;
    *len += (size_t)snprintf(more + *len, size - *len, "\n%.*s=%s%s%s\n",
                             (int)(eq - setting), setting, quote, value, quote);
    return 0;
}

static int create(const char *path, char *text, bool paused, json_t **result)
{
    json_t *config = json_string(text);

    if (!config) {
        say_error("%s: it holds bytes that are not UTF-8", path);
        return EXIT_CONFIG;
    }
    return client_call("create",
                       json_pack("{s:o,s:s,s:b}", "config", config, "source",
                                 strcmp(path, "-") ? path : "standard input",
                                 "paused", paused),
                       result);
}

int cmd_create(int argc, char **argv)
{
    bool console = false, paused = false, json = false;
    const struct opt opts[] = {{"console", 'c', &console, NULL},
                               {"paused", 'p', &paused, NULL},
                               {"quiet", 'q', &client_quiet, NULL},
                               {"json", 0, &json, NULL},
                               {0}};
    const char *args[SETTINGS_MAX + 1];
    int nr = options_take(opts, argc, argv, args, 1, SETTINGS_MAX + 1), i;
    json_t *result = NULL;
    int status;
    size_t len;
    char *text, *name;

    if (nr < 0)
        return EXIT_USAGE;
    text = read_config(args[0], &len);
    if (!text)
        return EXIT_CONFIG;
    for (i = 1; i < nr; i++) {
        if (append_setting(&text, &len, args[i])) {
            free(text);
            return EXIT_USAGE;
        }
    }
    client_quiet |= json;
    status = create(args[0], text, paused, &result);
    free(text);
    if (status)
        return status;
    name = strdup(get_string(result, "name"));
    if (json)
        return free(name), print_json(result);
    if (!client_quiet)
        printf("%s is domain %lld, created in %lld ms\n", name,
               (long long)get_int(result, "domid"),
               (long long)get_int(result, "ms"));
    json_decref(result);
    if (console && name)
        status = console_attach(name);
    free(name);
    return status;
}
