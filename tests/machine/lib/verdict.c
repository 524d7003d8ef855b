/* One verdict per case; the first false expectation is its reason. */
#include "internal.h"

static const char *case_name;
static char case_reason[200];
static bool case_skipped;

static void print_name(const char *word)
{
    char name[80];
    size_t i;

    for (i = 0; case_name[i] && i < sizeof(name) - 1; i++)
        name[i] = case_name[i] == '_' ? '-' : case_name[i];
    name[i] = 0;
    print("%s guest/%s/%s ", word, GUEST_CLAIM, name);
}

static void reason(const char *fmt, ...)
{
    va_list ap;

    if (case_reason[0])
        return;
    va_start(ap, fmt);
    format(case_reason, sizeof(case_reason), fmt, ap);
    va_end(ap);
}

bool expect_true(bool ok, const char *what, int line)
{
    if (!ok)
        reason("line %d: not so: %s", line, what);
    return ok;
}

/* Errors read better as signed numbers, the rest as hexadecimal. */
bool expect_value(uint64_t want, uint64_t got, const char *what, int line)
{
    if (got == want)
        return true;
    if ((int64_t)got > -4096 && (int64_t)got < 4096)
        reason("line %d: %s is %ld, want %ld", line, what, (int64_t)got,
               (int64_t)want);
    else
        reason("line %d: %s is %lx, want %lx", line, what, got, want);
    return false;
}

bool expect_refused(int64_t rc, const char *what, int line)
{
    if (rc >= 0 || rc < -4095) {
        reason("line %d: %s is %ld, want an error", line, what, rc);
        return false;
    }
    note(what, rc);
    return true;
}

void test_skip(const char *why)
{
    case_skipped = true;
    reason("%s", why);
}

void note(const char *what, int64_t value)
{
    static const char *last_what;
    static int64_t last_value;

    /* Loops say the same thing over and over. */
    if (what == last_what && value == last_value)
        return;
    last_what = what;
    last_value = value;
    print_name("NOTE");
    if (value > -4096 && value < 4096)
        print("%s = %ld\n", what, value);
    else
        print("%s = 0x%lx\n", what, (uint64_t)value);
}

void guest_ready(void)
{
    print("GUEST %s ready\n", GUEST_CLAIM);
    console_drain();
}

static void test_run(const struct test *t)
{
    case_name = t->name;
    case_reason[0] = 0;
    case_skipped = false;
    t->run();
    print_name("VERDICT");
    if (case_skipped)
        print("skip %s\n", case_reason);
    else if (case_reason[0])
        print("fail %s\n", case_reason);
    else
        print("pass\n");
}

void tests_run(const struct test *list)
{
    for (; list->name; list++)
        test_run(list);
}

void verdict_died(const char *fmt, ...)
{
    va_list ap;

    case_reason[0] = 0;
    va_start(ap, fmt);
    format(case_reason, sizeof(case_reason), fmt, ap);
    va_end(ap);
    if (!case_name)
        case_name = "start";
    print_name("VERDICT");
    print("fail the test itself died: %s\n", case_reason);
}
