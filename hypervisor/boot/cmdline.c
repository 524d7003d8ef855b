#include "boot/boot.h"

struct boot_options boot_options;

/*
 * A row an option; hypervisor/README.md has the same table for people. parse()
 * gets what stands after '=' ("" without one) and says whether it makes sense.
 */
struct option {
    const char *name;
    bool (*parse)(const struct option *o, const char *value);
    void *to;
    size_t size; /* of a text */
    const char *syntax;
};

static bool parse_flag(const struct option *o, const char *value)
{
    static const char *const yes[] = {"", "1", "on", "yes", "true", "enable"};
    static const char *const no[] = {"0", "off", "no", "false", "disable"};

    for (unsigned i = 0; i < ARRAY_SIZE(yes); i++)
        if (!strcmp(value, yes[i]))
            return *(bool *)o->to = true;
    for (unsigned i = 0; i < ARRAY_SIZE(no); i++) {
        if (strcmp(value, no[i]))
            continue;
        *(bool *)o->to = false;
        return true;
    }
    return false;
}

/* The same, for an option whose positive name clears what we keep. */
static bool parse_not_flag(const struct option *o, const char *value)
{
    bool ok = parse_flag(o, value);

    *(bool *)o->to ^= ok;
    return ok;
}

static bool parse_text(const struct option *o, const char *value)
{
    return *value && str_copy(o->to, value, o->size) < o->size;
}

static bool parse_count(const struct option *o, const char *value)
{
    const char *end;
    uint64_t v = parse_u64(value, &end, 0);

    if (end == value || *end || v > 4096)
        return false;
    *(unsigned *)o->to = (unsigned)v;
    return true;
}

static bool has_prefix(const char **s, const char *prefix)
{
    if (strncmp(*s, prefix, strlen(prefix)))
        return false;
    *s += strlen(prefix);
    return true;
}

/* <size>, min:<size> and max:<size>, commas between. */
static bool parse_dom0_mem(const struct option *o, const char *value)
{
    (void)o;
    do {
        uint64_t *to = &boot_options.dom0_mem;
        const char *end;
        uint64_t size;

        if (has_prefix(&value, "min:"))
            to = &boot_options.dom0_mem_min;
        else if (has_prefix(&value, "max:"))
            to = &boot_options.dom0_mem_max;
        size = parse_size(value, &end);
        if (end == value || (*end && *end != ',') || !size ||
            size == UINT64_MAX)
            return false;
        *to = size;
        value = end;
    } while (*value++ == ',');
    return true;
}

/* com1=<baud>[,<format>[,<port>[,<irq>]]]; console/serial.c reads the parts. */
static bool parse_serial(const struct option *o, const char *value)
{
    const char *end;
    uint64_t baud = parse_u64(value, &end, 10);

    if (!strncmp(value, "auto", 4))
        end = value + 4;
    else if (end == value || baud < 50 || baud > 115200 || 115200 % baud)
        return false;
    if (*end && *end != ',')
        return false;
    if (has_prefix(&end, ",") && *end && *end != ',' &&
        (strncmp(end, "8n1", 3) || (end[3] && end[3] != ',')))
        return false;
    return parse_text(o, value);
}

static bool parse_console(const struct option *o, const char *value)
{
    const char *p = value;

    do {
        if (!has_prefix(&p, "com1") && !has_prefix(&p, "com2") &&
            !has_prefix(&p, "vga") && !has_prefix(&p, "none"))
            return false;
    } while (has_prefix(&p, ","));
    return !*p && parse_text(o, value);
}

static bool parse_loglvl(const struct option *o, const char *value)
{
    static const char *const levels[] = {"none", "error", "warning",
                                         "info", "debug", "all"};
    const char *p = value;

    do {
        unsigned i = 0;

        while (i < ARRAY_SIZE(levels) && !has_prefix(&p, levels[i]))
            i++;
        if (i == ARRAY_SIZE(levels))
            return false;
    } while (has_prefix(&p, "/"));
    return !*p && parse_text(o, value);
}

static bool parse_vga(const struct option *o, const char *value)
{
    const char *last = value;

    /* Modes are the loader's business; "keep" is what we act on. */
    for (const char *p = value; *p; p++)
        if (*p == ',')
            last = p + 1;
    *(bool *)o->to = !strcmp(last, "keep");
    return *value;
}

static bool parse_nothing(const struct option *o, const char *value)
{
    (void)o, (void)value;
    return true;
}

#define LOGLVL_SYNTAX "none|error|warning|info|debug|all[/<rate-limited level>]"
#define SERIAL_SYNTAX "<baud>|auto[,8n1[,<I/O port>[,<IRQ>]]]"
#define FLAG_SYNTAX   "[=<yes|no>]"
#define TEXT(field)   boot_options.field, sizeof(boot_options.field)

static const struct option options[] = {
    {"dom0_mem", parse_dom0_mem, NULL, 0,
     "<size>[,min:<size>][,max:<size>], sizes like 1536M or 2G"},
    {"dom0_max_vcpus", parse_count, &boot_options.dom0_max_vcpus, 0,
     "<number>"},
    {"maxcpus", parse_count, &boot_options.maxcpus, 0, "<number>"},
    {"nosmp", parse_flag, &boot_options.nosmp, 0, FLAG_SYNTAX},
    {"x2apic", parse_not_flag, &boot_options.no_x2apic, 0, FLAG_SYNTAX},
    {"noreboot", parse_flag, &boot_options.noreboot, 0, FLAG_SYNTAX},
    {"count_round_trips", parse_flag, &boot_options.count_round_trips, 0,
     FLAG_SYNTAX},
    {"console", parse_console, TEXT(console),
     "com1|com2|vga|none, commas between"},
    {"com1", parse_serial, TEXT(com1), SERIAL_SYNTAX},
    {"com2", parse_serial, TEXT(com2), SERIAL_SYNTAX},
    {"loglvl", parse_loglvl, TEXT(loglvl), LOGLVL_SYNTAX},
    {"guest_loglvl", parse_loglvl, TEXT(guest_loglvl), LOGLVL_SYNTAX},
    {"spec", parse_text, TEXT(spec),
     "no|[no-]<countermeasure>, commas between"},
    {"watchdog", parse_flag, &boot_options.watchdog, 0, FLAG_SYNTAX},
    {"vga", parse_vga, &boot_options.vga_keep, 0, "<mode>[,keep]"},
    /* GRUB's script for Xen writes these; they mean nothing here. */
    {"placeholder", parse_nothing, NULL, 0, ""},
    {"real-mode", parse_nothing, NULL, 0, ""},
    {"edd", parse_nothing, NULL, 0, ""},
};

static const struct option *option_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(options); i++)
        if (!strcmp(options[i].name, name))
            return &options[i];
    return NULL;
}

static void parse_word(char *word)
{
    char *value = strchr(word, '=');
    const struct option *o;
    const char *text = "";

    if (value) {
        *value = 0;
        text = value + 1;
    }
    o = option_find(word);
    if (!o && !value && !strncmp(word, "no-", 3)) {
        o = option_find(word + 3);
        text = "no";
    }
    if (!o)
        log_warn("option %s: unknown, ignored\n", word);
    else if (!o->parse(o, text))
        boot_stop("Option %s=%s makes no sense; it reads %s%s%s.", word, text,
                  o->name, o->syntax[0] == '[' ? "" : "=", o->syntax);
}

void cmdline_parse(const char *cmdline)
{
    char word[128];

    while (*cmdline) {
        size_t n = 0;

        while (*cmdline == ' ' || *cmdline == '\t')
            cmdline++;
        for (; *cmdline && *cmdline != ' ' && *cmdline != '\t'; cmdline++) {
            word[n] = *cmdline;
            if (++n == sizeof(word))
                boot_stop("An option is longer than %zu characters.",
                          sizeof(word) - 1);
        }
        word[n] = 0;
        if (n)
            parse_word(word);
    }
}
