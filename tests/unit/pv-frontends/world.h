/* What every test of a device begins and ends with. */
#ifndef TEST_PV_FRONTENDS_WORLD_H
#define TEST_PV_FRONTENDS_WORLD_H

#include "tests/unit/pv-frontends/shim-fake.h"

#include "pv-frontends/core/gnt.h"
#include "pv-frontends/core/store.h"
#include "pv-frontends/core/xenbus.h"

static unsigned int pages_before, grants_before;

/* The core is up, its store connected; `backend` has its turns from now on. */
static inline void world_begin(void (*backend)(void))
{
    store_timeout(0);
    assert_int_equal(store_init(), 0);
    assert_int_equal(gnt_init(8), 0);
    pages_before = fake_pages_in_use();
    grants_before = fake_grants_live();
    fake_on_wait = backend;
}

/* A device that was asked to close does, and gives back all that it took. */
static inline void world_device_ends(struct xbdev *dev)
{
    for (int i = 0; i < 10 && !xbdev_is_closed(dev); i++) {
        shim_wait(0);
        store_poll();
    }
    assert_true(xbdev_is_closed(dev));
    xbdev_forget(dev);
    gnt_poll();
    assert_int_equal(fake_pages_in_use(), pages_before);
    assert_int_equal(fake_grants_live(), grants_before);
}

#endif
