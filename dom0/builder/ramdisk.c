/* Ramdisks, as they are or unpacked. */
#include "dom0/builder/image-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_RAMDISK (4ull << 30)

int image_load_ramdisk(const char *path, struct image **out,
                       struct builder_error *err)
{
    struct image *img;
    struct file f;
    int rc = file_open(&f, path, "ramdisk", MAX_RAMDISK, err);

    if (rc)
        return rc;
    img = image_new(path);
    if (!img) {
        close(f.fd);
        return builder_fail(err, -ENOMEM, "There is no memory left in dom0.");
    }
    img->fd = f.fd;
    img->size = (size_t)f.st.st_size;
    img->packing = "none";
    *out = img;
    return 0;
}

int image_read(const struct image *img, size_t offset, void *to, size_t size)
{
    if (offset > img->size || size > img->size - offset)
        return -EINVAL;
    if (!img->data)
        return file_read_at(img->fd, to, size, offset);
    memcpy(to, img->data + offset, size);
    return 0;
}

/* What is to be unpacked has to be here. */
static int read_packed(struct image *img, uint8_t **data,
                       struct builder_error *err)
{
    struct file f = {.path = img->path, .what = "ramdisk", .fd = img->fd};

    f.st.st_size = (off_t)img->size;
    return file_read(&f, data, err);
}

static int unpack_ramdisk(struct image *img, const uint8_t *packed,
                          struct builder_error *err)
{
    struct kernel_file k = {
        .payload = packed, .payload_size = img->size, .packing = PACKING_GZIP};
    const uint8_t *end = packed + img->size;

    /* The last word is the unpacked size. */
    k.unpacked_size = end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 |
                      (size_t)end[-1] << 24;
    if (!k.unpacked_size || k.unpacked_size > KERNEL_MAX_UNPACKED)
        return builder_fail(err, -EINVAL,
                            "The ramdisk %s is damaged: it claims an "
                            "impossible size.",
                            img->path);
    return image_unpack(img, "ramdisk", &k, err);
}

int image_unpack_ramdisk(struct image *img, struct builder_error *err)
{
    uint8_t head[18], *packed;
    int rc;

    if (img->size < sizeof(head) || image_read(img, 0, head, sizeof(head)) ||
        unpack_detect(head, sizeof(head)) != PACKING_GZIP)
        return 0; /* and who reads it next is told if that fails */
    rc = read_packed(img, &packed, err);
    if (rc)
        return rc;
    rc = unpack_ramdisk(img, packed, err);
    free(packed);
    return rc;
}
