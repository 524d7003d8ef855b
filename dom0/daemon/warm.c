/* Kernels of this host are unpacked before a guest asks for them. */
#include "dom0/daemon/warm.h"
#include "dom0/builder/image.h"
#include "dom0/daemon/log.h"

#include <glob.h>
#include <sys/resource.h>
#include <unistd.h>

/* Where distributions install kernels. */
#define INSTALLED "/boot/vmlinuz-*"

static void warm_one(const char *path, const char *cache_dir)
{
    struct builder_error err = {0};
    struct image *img;

    if (image_load_kernel(path, cache_dir, &img, &err))
        return; /* who boots it is told why */
    if (!img->from_cache)
        log_info("%s is unpacked for the guests to come", path);
    image_free(img);
}

void warm_kernels(void *arg)
{
    const struct daemon *d = arg;
    glob_t found;

    if (glob(INSTALLED, 0, NULL, &found))
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        /* On Linux the priority is the thread's. Who comes to need the kernel
         * meanwhile raises it. */
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
        warm_one(found.gl_pathv[i], d->o.cache_dir);
    }
    globfree(&found);
}
