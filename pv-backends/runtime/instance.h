/*
 * A process's place on the host: its folder, and the lock that keeps a second
 * one of its kind from serving the same devices. (It would fail to bind what
 * the first holds, and take that for a reason to close the devices.)
 */
#ifndef PARAVANE_RUNTIME_INSTANCE_H
#define PARAVANE_RUNTIME_INSTANCE_H

#include <sys/types.h>

/* Make the folder, and the one it lies in. 0 or -errno, said in the log. */
int instance_make_dir(const char *path, mode_t mode);

/*
 * The folder, and the files that are in it alone, to `uid`. One that was linked
 * there stays whose it is. 0 or -errno, said in the log.
 */
int instance_give(const char *path, uid_t uid);

/*
 * Hold a lock until the process ends, waiting for another holder's end: byte
 * `slot` of DIR/NAME.lock, so that one file does for many instances. 0 or
 * -errno, said in the log.
 */
int instance_lock(const char *dir, const char *name, unsigned int slot);

#endif
