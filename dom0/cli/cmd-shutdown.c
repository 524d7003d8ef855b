#include "dom0/cli/cli.h"

static int ask(const char *method, int argc, char **argv)
{
    bool wait = false;
    const char *timeout = "120", *guest;
    const struct opt opts[] = {
        {"wait", 'w', &wait, NULL}, {"timeout", 't', NULL, &timeout}, {0}};
    long seconds;

    if (options_take(opts, argc, argv, &guest, 1, 1) < 0)
        return EXIT_USAGE;
    seconds = parse_number(timeout, 0, 86400);
    if (seconds < 0) {
        say_error("\"%s\" is no number of seconds", timeout);
        return EXIT_USAGE;
    }
    return client_call(method,
                       json_pack("{s:s,s:b,s:I}", "guest", guest, "wait", wait,
                                 "timeout", (json_int_t)seconds),
                       NULL);
}

int cmd_shutdown(int argc, char **argv)
{
    return ask("shutdown", argc, argv);
}

int cmd_reboot(int argc, char **argv)
{
    return ask("reboot", argc, argv);
}
