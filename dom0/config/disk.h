/*
 * One entry of `disk = [...]`, in either syntax of xl-disk-configuration(5):
 * "target,format,vdev,access" with or without key=value items, and the older
 * "phy:/dev/x,xvda,w".
 */
#ifndef DOM0_CONFIG_DISK_H
#define DOM0_CONFIG_DISK_H

#include <stdbool.h>
#include <stdint.h>

enum disk_format {
    DISK_RAW,
    DISK_QCOW,
    DISK_QCOW2,
    DISK_VHD,
    DISK_VHDX,
    DISK_VMDK,
    DISK_VDI,
    DISK_QED,
    DISK_EMPTY, /* a drive without a medium */
};

struct disk_config {
    char *target; /* path; NULL for DISK_EMPTY */
    char *vdev;   /* "xvda" */
    uint32_t devid;
    enum disk_format format;
    bool read_only, cdrom, removable;
    bool discard; /* pass it on if the image can; default yes */
    bool direct_io_safe;
    char *backend;     /* domain that serves it; NULL: domain 0 */
    char *script;      /* NULL: none. Ours never runs one. */
    char *backendtype; /* as given, or NULL: ours to choose */
};

/*
 * Fill `d` from the text. 0, or -EINVAL with a sentence in `why` (size bytes);
 * `warning` likewise, empty if there is none.
 */
int disk_parse(struct disk_config *d, const char *text, char *why,
               char *warning, unsigned size);
void disk_free(struct disk_config *d);

/* "raw", "qcow2", ... and back: -EINVAL for none of them. */
const char *disk_format_name(enum disk_format f);
int disk_format_parse(const char *name, enum disk_format *f);

/* Is the target no path, but something on the network ("nbd:...")? */
bool disk_target_is_remote(const char *target);

/*
 * "xvda", "xvdb3", "sda", "hdc1", "d0p1", or a number: the id under
 * device/vbd. -EINVAL.
 */
int disk_vdev_id(const char *vdev, uint32_t *devid);

#endif
