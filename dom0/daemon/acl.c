#include "dom0/daemon/acl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

static const char attribute[] = "system.posix_acl_access";

/* --- the list ----------------------------------------------------------------
 */

static struct acl_entry *find(struct acl *acl, unsigned int tag)
{
    for (size_t i = 0; i < acl->nr; i++)
        if (acl->entries[i].tag == tag)
            return &acl->entries[i];
    return NULL;
}

static void remove_entry(struct acl *acl, struct acl_entry *e)
{
    acl->nr--;
    memmove(e, e + 1, (char *)&acl->entries[acl->nr] - (char *)e);
}

/* Entries are in the order of their tags. */
static int insert(struct acl *acl, struct acl_entry e)
{
    size_t at = 0;

    if (acl->nr == ACL_MAX_ENTRIES)
        return -E2BIG;
    while (at < acl->nr && acl->entries[at].tag <= e.tag)
        at++;
    memmove(&acl->entries[at + 1], &acl->entries[at],
            (acl->nr - at) * sizeof(e));
    acl->entries[at] = e;
    acl->nr++;
    return 0;
}

/* With named users there is a mask, which bounds them and the groups. */
static int edit_mask(struct acl *acl, unsigned int perm)
{
    struct acl_entry *mask = find(acl, ACL_MASK);
    struct acl_entry *group = find(acl, ACL_GROUP_OBJ);
    bool named = find(acl, ACL_USER) || find(acl, ACL_GROUP);

    if (mask && !named)
        remove_entry(acl, mask);
    else if (mask)
        mask->perm |= (uint16_t)perm;
    else if (named && group)
        return insert(acl, (struct acl_entry){ACL_MASK,
                                              (uint16_t)(group->perm | perm),
                                              (uint32_t)ACL_UNDEFINED_ID});
    return 0;
}

int acl_edit(struct acl *acl, uid_t uid, unsigned int perm)
{
    int rc = 0;

    for (size_t i = acl->nr; i-- > 0;)
        if (acl->entries[i].tag == ACL_USER && acl->entries[i].id == uid)
            remove_entry(acl, &acl->entries[i]);
    if (perm)
        rc = insert(acl, (struct acl_entry){ACL_USER, (uint16_t)perm, uid});
    return rc ? rc : edit_mask(acl, perm);
}

/* --- the file ----------------------------------------------------------------
 */

/* What a file without a list has in its mode. */
static int from_mode(int fd, struct acl *acl)
{
    const uint32_t none = (uint32_t)ACL_UNDEFINED_ID;
    struct stat st;

    if (fstat(fd, &st))
        return -errno;
    acl->entries[0] =
        (struct acl_entry){ACL_USER_OBJ, (st.st_mode >> 6) & 7, none};
    acl->entries[1] =
        (struct acl_entry){ACL_GROUP_OBJ, (st.st_mode >> 3) & 7, none};
    acl->entries[2] = (struct acl_entry){ACL_OTHER, st.st_mode & 7, none};
    acl->nr = 3;
    return 0;
}

/* The attribute: a version, then entries as ours. */
struct stored {
    uint32_t version;
    struct acl_entry entries[ACL_MAX_ENTRIES];
};
_Static_assert(sizeof(struct acl_entry) == sizeof(struct posix_acl_xattr_entry),
               "an entry is as the kernel stores it");

static int load(int fd, struct acl *acl)
{
    struct stored s;
    ssize_t n = fgetxattr(fd, attribute, &s, sizeof(s));

    if (n < 0 && errno == ENODATA)
        return from_mode(fd, acl);
    if (n < 0)
        return errno == ERANGE ? -E2BIG : -errno;
    n -= (ssize_t)sizeof(s.version);
    if (n < 0 || s.version != POSIX_ACL_XATTR_VERSION ||
        n % (ssize_t)sizeof(s.entries[0]))
        return -EINVAL;
    acl->nr = (size_t)n / sizeof(s.entries[0]);
    memcpy(acl->entries, s.entries, (size_t)n);
    return 0;
}

static int save(int fd, const struct acl *acl)
{
    struct stored s = {.version = POSIX_ACL_XATTR_VERSION};
    size_t bytes = acl->nr * sizeof(s.entries[0]);

    memcpy(s.entries, acl->entries, bytes);
    return fsetxattr(fd, attribute, &s, sizeof(s.version) + bytes, 0) ? -errno
                                                                      : 0;
}

int acl_let_in(int fd, uid_t uid, unsigned int perm)
{
    struct acl acl = {.nr = 0};
    int rc = load(fd, &acl);

    if (!rc)
        rc = acl_edit(&acl, uid, perm);
    return rc ? rc : save(fd, &acl);
}
