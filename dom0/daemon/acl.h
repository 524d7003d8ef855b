/*
 * One more user at a file: an entry of its access control list (acl(5)), put
 * there and taken away again.
 */
#ifndef DAEMON_ACL_H
#define DAEMON_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ACL_MAX_ENTRIES = 64 };

/* As the kernel has it; `id` counts for named users and groups. */
struct acl_entry {
    uint16_t tag, perm;
    uint32_t id;
};

struct acl {
    struct acl_entry entries[ACL_MAX_ENTRIES];
    size_t nr;
};

/*
 * User `uid` may do `perm` (a sum of 4 to read and 2 to write), or with 0
 * nothing any more. Pure. 0 or -E2BIG.
 */
int acl_edit(struct acl *acl, uid_t uid, unsigned int perm);

/* The same with the open file's list. 0 or -errno; -EOPNOTSUPP where files have
 * none. */
int acl_let_in(int fd, uid_t uid, unsigned int perm);

#endif
