#include "console/internal.h"

#include "cpu/percpu.h"
#include "domain/domain.h"
#include "time/clock.h"

/* Positions run freely; the ring holds the last RING_SIZE bytes. */
#define RING_SIZE 65536u
static char ring[RING_SIZE];
static uint32_t written, cleared;
static struct spinlock log_lock = SPINLOCK_INIT;

/* Levels below `always` are shown, those below `limited` at a bounded rate. */
struct threshold {
    unsigned always, limited;
};
static struct threshold own = {LOG_DEBUG, LOG_DEBUG}, guest = {0, LOG_INFO};

/* Guests may fill a burst of lines, then some lines a second. */
#define BURST     20
#define REFILL_NS (NS_PER_SEC / 10)
static unsigned tokens = BURST;
static uint64_t refilled_ns, suppressed;

static void ring_put(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ring[(written + i) % RING_SIZE] = s[i];
    WRITE_ONCE(written, written + (uint32_t)n);
}

static void emit(const char *s, size_t n)
{
    ring_put(s, n);
    console_write(s, n);
    /* Not from here: whoever logs may hold the locks that an event takes. */
    if (dom0)
        cpu_raise(cpu_id(), WORK_LOG);
}

/* "(PV) ", the time once there is one, the text, a newline if it has none. */
static void emit_line(const char *fmt, va_list ap)
{
    char line[480];
    int n, max = sizeof(line) - 2;

    n = fmt_snprintf(line, sizeof(line), "(PV) ");
    if (tsc_khz) {
        uint64_t us = clock_now_ns() / NS_PER_US;

        n += fmt_snprintf(line + n, sizeof(line) - (size_t)n, "[%5lu.%06lu] ",
                          us / 1000000, us % 1000000);
    }
    n += fmt_vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
    n = MIN(n, max);
    if (line[n - 1] != '\n')
        line[n++] = '\n';
    emit(line, (size_t)n);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (level >= MAX(own.always, own.limited))
        return;
    va_start(ap, fmt);
    console_lock(&log_lock);
    emit_line(fmt, ap);
    console_unlock(&log_lock);
    va_end(ap);
}

/* Takes a token; false when there is none left. */
static bool within_rate(void)
{
    uint64_t now = tsc_khz ? clock_now_ns() : 0;
    uint64_t more = (now - refilled_ns) / REFILL_NS;

    if (more) {
        tokens = (unsigned)MIN(tokens + more, (uint64_t)BURST);
        refilled_ns = now;
    }
    if (!tokens) {
        suppressed++;
        return false;
    }
    tokens--;
    return true;
}

static void say_suppressed(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    emit_line(fmt, ap);
    va_end(ap);
    suppressed = 0;
}

void log_guest(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (level >= MAX(guest.always, guest.limited))
        return;
    va_start(ap, fmt);
    console_lock(&log_lock);
    if (level < guest.always || within_rate()) {
        if (suppressed)
            say_suppressed("%lu messages about guests were left out\n",
                           suppressed);
        emit_line(fmt, ap);
    }
    console_unlock(&log_lock);
    va_end(ap);
}

size_t log_read(char *buf, size_t n, uint32_t *index, bool clear)
{
    uint32_t from = *index, start;
    size_t done;

    console_lock(&log_lock);
    start = written - cleared > RING_SIZE ? written - RING_SIZE : cleared;
    /* Free-running positions: older than the start, or beyond the end. */
    if (from - start > written - start)
        from = start;
    for (done = 0; done < n && from != written; done++)
        buf[done] = ring[from++ % RING_SIZE];
    if (clear)
        cleared = from;
    else
        cleared = start;
    *index = from;
    console_unlock(&log_lock);
    return done;
}

static unsigned level_of(const char *s, unsigned otherwise)
{
    static const struct {
        const char *name;
        unsigned value;
    } levels[] = {{"none", 0},
                  {"error", LOG_ERR + 1},
                  {"warning", LOG_WARNING + 1},
                  {"info", LOG_INFO + 1},
                  {"debug", LOG_DEBUG + 1},
                  {"all", LOG_DEBUG + 1}};

    for (unsigned i = 0; s && i < ARRAY_SIZE(levels); i++)
        if (!strncmp(s, levels[i].name, strlen(levels[i].name)))
            return levels[i].value;
    return otherwise;
}

/* "<level>" or "<level>/<rate-limited level>"; "" leaves things alone. */
static void set_threshold(struct threshold *t, const char *s)
{
    const char *second = strchr(s, '/');

    if (!*s)
        return;
    t->always = level_of(s, t->always);
    t->limited = second ? level_of(second + 1, t->always) : t->always;
}

void log_set_levels(const char *loglvl, const char *guest_loglvl)
{
    set_threshold(&own, loglvl);
    set_threshold(&guest, guest_loglvl);
}
