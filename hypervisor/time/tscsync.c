#include "time/internal.h"

#include "cpu/cpu.h"
#include "cpu/feature.h"

bool tsc_synchronised;

/*
 * A ping-pong of TSC values: the new CPU writes its own and asks, the boot CPU
 * answers with its own, the new one reads its again. The answer must lie
 * between the two; of many rounds the shortest tells the offset best.
 */
enum { IDLE, WANTED, PING, PONG };

#define ROUNDS   200
#define JOIN_MS  3000
#define SERVE_MS 3000 /* an emulated CPU may not run for long */

static struct {
    uint32_t state;
    uint64_t answer;
} ALIGNED(64) sync;

static uint64_t tsc_ordered(void)
{
    __asm__ volatile("lfence" ::: "memory");
    return rdtsc();
}

static bool wait_state(uint32_t state, uint64_t ms)
{
    uint64_t start = rdtsc();

    while (__atomic_load_n(&sync.state, __ATOMIC_ACQUIRE) != state) {
        if (rdtsc() - start > ms * tsc_khz)
            return false;
        cpu_relax();
    }
    return true;
}

static void set_state(uint32_t state)
{
    __atomic_store_n(&sync.state, state, __ATOMIC_SEQ_CST);
}

void clock_serve_sync(void)
{
    if (likely(READ_ONCE(sync.state) != WANTED) || cpu_id() != 0)
        return;
    set_state(PONG);
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!wait_state(PING, SERVE_MS))
            return;
        sync.answer = tsc_ordered();
        set_state(PONG);
    }
}

/*
 * True when the CPUs agree: no answer ever fell outside its round. *offset is
 * what the new CPU is ahead by, at the shortest round.
 */
static bool compare(int64_t *offset)
{
    uint64_t best = ~0ull;
    bool agree = true;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t before = tsc_ordered(), after;

        set_state(PING);
        if (!wait_state(PONG, SERVE_MS))
            return false;
        after = tsc_ordered();
        if ((int64_t)(sync.answer - before) < 0 ||
            (int64_t)(after - sync.answer) < 0)
            agree = false;
        if (after - before < best) {
            best = after - before;
            *offset = (int64_t)(before + best / 2 - sync.answer);
        }
    }
    return agree;
}

int64_t tsc_sync_measure(void)
{
    int64_t offset = 0;
    bool agree = false;

    set_state(WANTED);
    if (wait_state(PONG, JOIN_MS))
        agree = compare(&offset);
    set_state(IDLE);
    if (agree)
        return 0;
    tsc_synchronised = false;
    log_warn("clock: CPU %u: TSC differs from the boot CPU's by %ld\n",
             cpu_id(), (long)offset);
    return offset;
}
