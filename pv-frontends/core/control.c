#include "pv-frontends/core/control.h"

#include "pv-frontends/core/store.h"
#include "pv-frontends/core/text.h"

static struct {
    void (*fn)(void *arg, enum control_request request);
    void *arg;
    struct store_watch watch;
} control;

static enum control_request request_of(const char *word)
{
    static const struct {
        const char *word;
        enum control_request request;
    } words[] = {
        {"poweroff", CONTROL_POWEROFF},
        {"reboot", CONTROL_REBOOT},
        {"halt", CONTROL_HALT},
        {"suspend", CONTROL_SUSPEND},
    };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (!strcmp(word, words[i].word))
            return words[i].request;
    return CONTROL_NONE;
}

static void on_request(void *arg)
{
    enum control_request request;
    char word[16];

    (void)arg;
    if (store_read(0, "control/shutdown", word, sizeof(word)) || !*word)
        return;
    request = request_of(word);
    /* Emptied is how the toolstack knows that we heard it. */
    (void)store_write(0, "control/shutdown", "");
    if (request == CONTROL_NONE)
        log_words("control", "an unknown request");
    else
        control.fn(control.arg, request);
}

int control_init(void (*fn)(void *arg, enum control_request request), void *arg)
{
    static const char *const features[] = {"feature-poweroff", "feature-reboot",
                                           "feature-suspend"};

    control.fn = fn;
    control.arg = arg;
    /* Not every toolstack lets us write there; none needs it. */
    for (size_t i = 0; i < ARRAY_SIZE(features); i++)
        (void)store_write_uint(0, "control", features[i], 1);
    control.watch.fn = on_request;
    text_join(control.watch.path, sizeof(control.watch.path),
              "control/shutdown", NULL);
    return store_watch(&control.watch);
}
