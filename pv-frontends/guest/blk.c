/* blk-verify and blk-bench. */
#include "pv-frontends/core/control.h"
#include "pv-frontends/guest/disk.h"
#include "pv-frontends/guest/program.h"

static struct disk disk;
static uint64_t seed, nr_checked, bad_sector;
static bool is_bad;
static enum control_request asked;

static uint64_t random_next(void)
{
    static uint64_t state = 88172645463325252;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* ---- verifying ------------------------------------------------------------
 */

/* What belongs at 8 bytes of the disk. */
static uint64_t pattern(uint64_t sector, unsigned int word)
{
    return (sector * 64 + word + seed) * 0x9e3779b97f4a7c15;
}

static void fill(struct disk_job *job, uint64_t sector, unsigned int nr)
{
    for (unsigned int i = 0; i < nr * 64; i++)
        *(uint64_t *)disk_job_byte(job, i * 8) =
            pattern(sector + i / 64, i % 64);
}

static void check(struct disk *d, struct disk_job *job)
{
    uint64_t sector = job->io.sector;
    unsigned int words = (unsigned int)job->io.nr_sectors * 64;

    (void)d;
    if (job->io.op != BLK_READ)
        return;
    for (unsigned int i = 0; i < words && !is_bad; i++) {
        if (*(uint64_t *)disk_job_byte(job, i * 8) ==
            pattern(sector + i / 64, i % 64))
            continue;
        is_bad = true;
        bad_sector = sector + i / 64;
    }
    nr_checked += job->io.nr_sectors;
}

/* All of the area in pieces of all sizes. */
static int pass(enum blk_op op, uint64_t nr_sectors)
{
    unsigned int most = disk.front.info.max_segments * 8;
    unsigned int unit = disk.front.info.sector_size / BLK_SECTOR;

    for (uint64_t at = 0; at < nr_sectors;) {
        struct disk_job *job = disk_job_get(&disk);
        unsigned int nr =
            (unsigned int)(random_next() % most / unit + 1) * unit;

        if (nr > most)
            nr = most;
        if (nr > nr_sectors - at)
            nr = (unsigned int)(nr_sectors - at);
        if (!job)
            return disk_drain(&disk);
        if (op == BLK_WRITE)
            fill(job, at, nr);
        if (disk_job_send(&disk, job, op, at, nr))
            return -1;
        at += nr;
    }
    return disk_drain(&disk);
}

static int send_alone(enum blk_op op, uint64_t sector, unsigned int nr)
{
    struct disk_job *job = disk_job_get(&disk);

    if (!job || disk_job_send(&disk, job, op, sector, nr))
        return -1;
    return disk_drain(&disk);
}

static int verify_round(uint64_t nr_sectors)
{
    if (pass(BLK_WRITE, nr_sectors))
        return -1;
    if (disk.front.info.can_flush && send_alone(BLK_FLUSH, 0, 0))
        return -1;
    if (pass(BLK_READ, nr_sectors))
        return -1;
    return is_bad
               ? program_fail("sector %lu is not what was written", bad_sector)
               : 0;
}

static void on_control(void *arg, enum control_request request)
{
    (void)arg;
    asked = request;
}

/* Without a number of rounds: until told to power off. */
static bool another_round(uint64_t done)
{
    uint64_t rounds = option_number("rounds", 2);

    return rounds ? done < rounds : asked == CONTROL_NONE;
}

int run_blk_verify(void)
{
    uint64_t rounds = 0, sectors;

    if (disk_open(&disk))
        return -1;
    if (control_init(on_control, NULL))
        return program_fail("no watch for power-off");
    disk.done = check;
    sectors = option_number("mib", 4) * 2048;
    if (sectors > disk.front.info.nr_sectors)
        sectors = disk.front.info.nr_sectors;
    print("TINY blk-verify ready\n");
    for (; another_round(rounds); rounds++) {
        seed = random_next();
        if (verify_round(sectors))
            return -1;
        if (asked != CONTROL_SUSPEND)
            continue;
        asked = CONTROL_NONE;
        if (guest_suspend(&disk.front.dev))
            return -1;
    }
    if (option_number("discard", 1) && disk.front.info.can_discard &&
        send_alone(BLK_DISCARD, 0, 8))
        return -1;
    print("TINY blk-verify ok rounds=%lu sectors=%lu bad-answers=%lu "
          "connects=%lu longest-us=%lu\n",
          rounds, nr_checked, disk.front.nr_bad, disk.front.dev.nr_connects,
          disk.longest_ns / 1000);
    return 0;
}

/* ---- how fast -------------------------------------------------------------
 */

static int measure(enum blk_op op, unsigned int sectors, bool random,
                   uint64_t ns)
{
    uint64_t start = shim_now_ns(), nr = 0, at = 0, took;
    uint64_t places = disk.front.info.nr_sectors / sectors;

    while (shim_now_ns() - start < ns) {
        struct disk_job *job = disk_job_get(&disk);

        if (!job)
            break;
        at = random ? random_next() % places : (at + 1) % places;
        if (disk_job_send(&disk, job, op, at * sectors, sectors))
            return -1;
        nr++;
    }
    if (disk_drain(&disk))
        return -1;
    took = shim_now_ns() - start;
    print("BENCH %s-%s-%u requests/s=%lu KiB/s=%lu\n",
          op == BLK_READ ? "read" : "write", random ? "random" : "in-order",
          sectors / 2, nr * 1000000000 / took,
          nr * sectors / 2 * 1000000000 / took);
    return 0;
}

int run_blk_bench(void)
{
    uint64_t ns = option_number("ms", 1000) * 1000000;
    unsigned int most;

    if (disk_open(&disk))
        return -1;
    most = disk.front.info.max_segments * 8;
    if (measure(BLK_READ, 8, true, ns) || measure(BLK_WRITE, 8, true, ns) ||
        measure(BLK_READ, most, false, ns) ||
        measure(BLK_WRITE, most, false, ns))
        return -1;
    print("TINY blk-bench ok\n");
    return 0;
}
