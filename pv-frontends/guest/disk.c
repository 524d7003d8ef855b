#include "pv-frontends/guest/disk.h"

#include "pv-frontends/core/errors.h"
#include "pv-frontends/guest/program.h"

#define CONNECT_NS 60000000000ul /* a host may be busy */

enum { PATIENCE_NS = 60000000 };

static void on_done(struct blk_io *io, int rc)
{
    struct disk_job *job = container_of(io, struct disk_job, io);
    struct disk *d = io->arg;
    uint64_t took_ns = shim_now_ns() - job->sent_ns;

    if (took_ns > d->longest_ns)
        d->longest_ns = took_ns;
    if (rc && !d->error)
        d->error = rc;
    if (!rc && d->done)
        d->done(d, job);
    job->busy = false;
    d->nr_busy--;
}

static int jobs_make(struct disk *d)
{
    for (unsigned int i = 0; i < DISK_JOBS; i++) {
        for (unsigned int s = 0; s < d->front.info.max_segments; s++) {
            d->jobs[i].segments[s].page = shim_pages_alloc(1);
            if (!d->jobs[i].segments[s].page)
                return program_fail("no memory for requests");
        }
        d->jobs[i].io.arg = d;
        d->jobs[i].io.done = on_done;
        d->jobs[i].io.segments = d->jobs[i].segments;
    }
    return 0;
}

int disk_open(struct disk *d)
{
    struct blk_settings settings = {
        .no_persistent = option_number("persistent", 1) == 0,
        .one_page_ring = option_number("order", 2) == 0,
    };
    unsigned int devid;
    int rc;

    if (program_store() || program_device("vbd", &devid))
        return -1;
    rc = blkfront_open(&d->front, devid, &settings);
    if (!rc)
        rc = xbdev_wait(&d->front.dev, CONNECT_NS);
    if (rc)
        return program_fail("disk %u does not connect, error %d", devid, rc);
    print("disk %u: %lu sectors of %u, %u segments, %u slots%s%s%s\n", devid,
          d->front.info.nr_sectors, d->front.info.sector_size,
          d->front.info.max_segments, d->front.info.nr_slots,
          d->front.info.persistent ? ", persistent" : "",
          d->front.info.can_flush ? ", flush" : "",
          d->front.info.can_discard ? ", discard" : "");
    return jobs_make(d);
}

/* Let the world turn: the store, the answers. */
static void turn(struct disk *d)
{
    blkfront_kick(&d->front);
    store_poll();
    gnt_poll();
    if (!blkfront_poll(&d->front))
        shim_wait(shim_now_ns() + PATIENCE_NS);
}

struct disk_job *disk_job_get(struct disk *d)
{
    while (!d->error) {
        for (unsigned int i = 0; i < DISK_JOBS; i++)
            if (!d->jobs[i].busy)
                return &d->jobs[i];
        turn(d);
    }
    return NULL;
}

uint8_t *disk_job_byte(struct disk_job *job, size_t at)
{
    return (uint8_t *)job->segments[at / PAGE_SIZE].page + at % PAGE_SIZE;
}

static void set_segments(struct disk_job *job, unsigned int bytes)
{
    job->io.nr_segments = 0;
    for (unsigned int i = 0; bytes; i++) {
        unsigned int n = bytes < PAGE_SIZE ? bytes : (unsigned int)PAGE_SIZE;

        job->segments[i].offset = 0;
        job->segments[i].length = (uint16_t)n;
        job->io.nr_segments++;
        bytes -= n;
    }
}

int disk_job_send(struct disk *d, struct disk_job *job, enum blk_op op,
                  uint64_t sector, unsigned int nr_sectors)
{
    int rc;

    job->io.op = op;
    job->io.sector = sector;
    job->io.nr_sectors = nr_sectors;
    set_segments(job, op >= BLK_FLUSH ? 0 : nr_sectors * BLK_SECTOR);
    job->sent_ns = shim_now_ns();
    job->busy = true;
    d->nr_busy++;
    while ((rc = blkfront_submit(&d->front, &job->io)) == -XEN_EAGAIN)
        turn(d);
    if (!rc)
        return 0;
    job->busy = false;
    d->nr_busy--;
    return program_fail("request %u at sector %lu refused, error %d", op,
                        sector, rc);
}

int disk_drain(struct disk *d)
{
    while (d->nr_busy)
        turn(d);
    return d->error ? program_fail("a request failed, error %d", d->error) : 0;
}
