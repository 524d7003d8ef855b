/*
 * What a backend gives up once it has opened its devices: it reads what guests
 * write, so little should be gained by taking it over.
 */
#ifndef PARAVANE_RUNTIME_PRIVILEGE_H
#define PARAVANE_RUNTIME_PRIVILEGE_H

#include <stdint.h>
#include <sys/types.h>

/* Who to be from then on; all zeroes: stay who we are. */
struct privilege_user {
    uid_t uid;
    gid_t gid;
};

/*
 * Become `user`, keep the capabilities of `keep` (a mask of 1 << CAP_...) and
 * lose all others for good; never run another program, nor trace one, nor
 * change the host's mounts, modules, namespaces or time. This thread alone
 * does: start no other before. 0 or -errno, said in the log.
 */
int privilege_drop(uint64_t keep, struct privilege_user user);

/* "UID:GID", neither of them root's, as an option's value. 0, or -EINVAL. */
int privilege_parse_user(const char *text, struct privilege_user *user);

#endif
