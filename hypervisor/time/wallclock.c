#include "time/internal.h"

#include "cpu/cpu.h"
#include "domain/domain.h"

static struct spinlock wall_lock = SPINLOCK_INIT;
static uint64_t base_ns; /* wall time at system time 0, since 1970 */

#define CMOS_INDEX   0x70
#define CMOS_DATA    0x71
#define CMOS_CENTURY 0x32 /* where PCs keep it; not every one does */
#define STATUS_A_UIP 0x80 /* an update is in progress */
#define STATUS_B_24H 0x02
#define STATUS_B_BIN 0x04
#define HOUR_PM      0x80

struct rtc {
    uint8_t sec, min, hour, day, month, year, century;
};

static uint8_t cmos_read(uint8_t reg)
{
    outb(CMOS_INDEX, reg);
    return inb(CMOS_DATA);
}

/* An update takes 2 ms at most; a chip that never ends one is broken. */
static void wait_no_update(void)
{
    for (unsigned i = 0; i < 10000; i++) {
        if (!(cmos_read(0x0a) & STATUS_A_UIP))
            return;
        clock_delay_us(1);
    }
}

static void read_registers(struct rtc *t)
{
    wait_no_update();
    t->sec = cmos_read(0x00);
    t->min = cmos_read(0x02);
    t->hour = cmos_read(0x04);
    t->day = cmos_read(0x07);
    t->month = cmos_read(0x08);
    t->year = cmos_read(0x09);
    t->century = cmos_read(CMOS_CENTURY);
}

static uint8_t from_bcd(uint8_t v)
{
    return (uint8_t)((v >> 4) * 10 + (v & 0xf));
}

static void decode(struct rtc *t, uint8_t status_b)
{
    bool pm = t->hour & HOUR_PM;

    t->hour &= (uint8_t)~HOUR_PM;
    if (!(status_b & STATUS_B_BIN)) {
        t->sec = from_bcd(t->sec);
        t->min = from_bcd(t->min);
        t->hour = from_bcd(t->hour);
        t->day = from_bcd(t->day);
        t->month = from_bcd(t->month);
        t->year = from_bcd(t->year);
        t->century = from_bcd(t->century);
    }
    if (!(status_b & STATUS_B_24H))
        t->hour = (uint8_t)(t->hour % 12 + (pm ? 12 : 0));
}

/* Days from 1970-01-01 of a date in the Gregorian calendar. */
static int64_t days_since_epoch(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    unsigned m = month <= 2 ? month + 9 : month - 3; /* March is 0 */

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 -
           719468;
}

static uint64_t rtc_seconds(const struct rtc *t)
{
    unsigned century = t->century >= 19 && t->century <= 22 ? t->century
                       : t->year < 70                       ? 20
                                                            : 19;

    if (t->month < 1 || t->month > 12 || t->day < 1 || t->day > 31 ||
        t->hour > 23 || t->min > 59 || t->sec > 60 || t->year > 99) {
        log_warn("clock: the CMOS clock shows no valid time, starting at 0\n");
        return 0;
    }
    return (uint64_t)days_since_epoch(century * 100 + t->year, t->month,
                                      t->day) *
               86400 +
           t->hour * 3600u + t->min * 60u + t->sec;
}

void wallclock_init(void)
{
    struct rtc t, again;

    /* Twice the same: no update came in between. */
    read_registers(&t);
    for (unsigned i = 0; i < 5; i++) {
        read_registers(&again);
        if (!memcmp(&t, &again, sizeof(t)))
            break;
        t = again;
    }
    decode(&t, cmos_read(0x0b));
    base_ns = rtc_seconds(&t) * NS_PER_SEC - clock_now_ns();
}

uint64_t wallclock_base_ns(void)
{
    uint64_t ns;

    spin_lock(&wall_lock);
    ns = base_ns;
    spin_unlock(&wall_lock);
    return ns;
}

void wallclock_set(uint64_t secs, uint32_t nsecs, uint64_t system_ns)
{
    struct domain *d;

    spin_lock(&wall_lock);
    base_ns = secs * NS_PER_SEC + nsecs - system_ns;
    spin_unlock(&wall_lock);
    for (d = domain_get_from(0); d;) {
        domid_t next = (domid_t)(d->id + 1);

        pvclock_update_wallclock(d);
        domain_put(d);
        d = domain_get_from(next);
    }
}

void wallclock_get(uint64_t *secs, uint32_t *nsecs)
{
    uint64_t ns = wallclock_base_ns() + clock_now_ns();

    *secs = ns / NS_PER_SEC;
    *nsecs = (uint32_t)(ns % NS_PER_SEC);
}
