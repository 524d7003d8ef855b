/* Requests about nodes. */
#include "xenstore/core/mem.h"
#include "xenstore/core/request.h"
#include "xenstore/core/tree.h"
#include "xenstore/core/txn.h"
#include "xenstore/core/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- finding ----------------------------------------------------------------
 */

/* What a guest may do follows from the list, so it has seen it. */
static unsigned int also_perms(const struct request *r)
{
    return r->c->privileged ? 0 : SAW_PERMS;
}

/*
 * Note that r->path is not there, nor anything from its nearest ancestor on,
 * whose permissions decide what may be known.
 */
static struct node *note_missing(struct request *r)
{
    const char *path = r->path.text;
    struct node *near;
    size_t at;

    near = tree_nearest(*view_root(&r->v), path, &at);
    if (!r->v.t)
        return near;
    txn_note(&r->v, path, at, SAW_EXISTENCE | SAW_PERMS);
    while (at < r->path.len) {
        at += path[at] == '/' || at > 1;
        at += strcspn(path + at, "/");
        txn_note(&r->v, path, at, SAW_EXISTENCE);
    }
    return near;
}

/*
 * The node at r->path if the client has all rights in `need`. -EACCES without
 * them; a missing node is -ENOENT only to those who have them above it. `saw`
 * is what the answer will tell.
 */
static int find(struct request *r, unsigned int need, unsigned int saw,
                struct node **out)
{
    struct node *n = view_find(&r->v, r->path.text), *near;

    *out = n;
    if (n) {
        txn_note(&r->v, r->path.text, r->path.len,
                 SAW_EXISTENCE | saw | also_perms(r));
        if ((store_perm_bits(r->c, n->perms) & need) != need)
            return -EACCES;
        return txn_check_size(&r->v, r->path.text);
    }
    near = note_missing(r);
    need &= PERM_READ | PERM_WRITE;
    if ((store_perm_bits(r->c, near->perms) & need) != need)
        return -EACCES;
    return -ENOENT;
}

/* --- reading ----------------------------------------------------------------
 */

int req_read(struct request *r)
{
    struct node *n;
    int rc = request_only_path(r);

    if (rc)
        return rc;
    rc = find(r, PERM_READ, SAW_VALUE, &n);
    if (!rc)
        request_reply(r, node_value(n), n->value_len);
    return rc;
}

static bool append_name(struct node *n, void *arg)
{
    buf_append(arg, node_name(n), n->name_len + 1u);
    return true;
}

int req_directory(struct request *r)
{
    struct node *n;
    int rc = request_only_path(r);

    if (rc)
        return rc;
    rc = find(r, PERM_READ, SAW_NAMES, &n);
    if (rc)
        return rc;
    if (node_names_len(n) > XENSTORE_PAYLOAD_MAX)
        return -E2BIG;
    r->empty_reply = !n->children;
    child_each(n->children, 0, append_name, &r->reply);
    return 0;
}

static bool append_name_that_fits(struct node *n, void *arg)
{
    struct buf *b = arg;

    /* One byte stays free for the end mark. */
    if (buf_len(b) + n->name_len + 1u >= XENSTORE_PAYLOAD_MAX)
        return false;
    return append_name(n, arg);
}

int req_directory_part(struct request *r)
{
    const char *arg[2];
    unsigned long offset;
    struct node *n;
    char gen[24];
    int rc;

    if (!wire_strings(r->payload, r->len, arg, 2) ||
        !wire_number(arg[1], UINT32_MAX, &offset))
        return -EINVAL;
    rc = request_path(r, arg[0], PATH_NODE);
    if (rc)
        return rc;
    rc = find(r, PERM_READ, SAW_NAMES, &n);
    if (rc)
        return rc;

    request_reply(r, gen,
                  (size_t)snprintf(gen, sizeof(gen), "%" PRIu64, n->gen) + 1);
    if (offset >= node_names_len(n) ||
        child_each(n->children, offset, append_name_that_fits, &r->reply))
        request_reply(r, "", 1);
    return 0;
}

int req_get_perms(struct request *r)
{
    const struct perms *perms;
    const char *name;
    struct node *n;
    char text[16];
    uint32_t i;
    int rc, special;

    if (!wire_strings(r->payload, r->len, &name, 1))
        return -EINVAL;
    rc = request_path(r, name, PATH_NODE_OR_SPECIAL);
    if (rc)
        return rc;
    if (path_is_special(r->path.text)) {
        special = store_special(r->path.text);
        if (special < 0)
            return -EINVAL;
        perms = r->s->special[special];
        if (!(store_perm_bits(r->c, perms) & PERM_READ))
            return -EACCES;
    } else {
        rc = find(r, PERM_READ, SAW_PERMS, &n);
        if (rc)
            return rc;
        perms = n->perms;
    }
    for (i = 0; i < perms->nr; i++)
        request_reply(r, text, perm_format(&perms->list[i], text));
    return buf_len(&r->reply) > XENSTORE_PAYLOAD_MAX ? -E2BIG : 0;
}

/* --- what a guest may add ---------------------------------------------------
 */

static int64_t size_of(size_t value_len, const struct perms *perms,
                       size_t names_len)
{
    return (int64_t)(value_len + names_len + perms->nr * sizeof(struct perm));
}

static int may_weigh(struct request *r, int64_t size)
{
    struct domain *d = r->c->domain;

    if (!client_is_limited(r->c))
        return 0;
    if (!quota_allows(r->s, d, QUOTA_NODE_SIZE, size, r->path.text) ||
        !quota_allows(r->s, d, QUOTA_MEMORY, d->used[QUOTA_MEMORY] + size,
                      r->path.text))
        return -ENOSPC;
    return 0;
}

/* Nodes from `at` on the way to the path, which are to be made. */
static int64_t count_missing(const struct path *p, size_t at)
{
    int64_t nr = at < p->len && at == 1;
    const char *s;

    for (s = p->text + at; *s; s++)
        nr += *s == '/';
    return nr;
}

/* Whether the client may make r->path and the parents it lacks. */
static int may_add(struct request *r, size_t value_len)
{
    struct domain *d = r->c->domain;
    struct node *near;
    size_t at;
    int64_t nr;
    int rc;

    near = tree_nearest(*view_root(&r->v), r->path.text, &at);
    if (!(store_perm_bits(r->c, near->perms) & PERM_WRITE))
        return -EACCES;
    if (!client_is_limited(r->c))
        return 0;
    rc = may_weigh(r, size_of(near->value_len, near->perms,
                              node_names_len(near) +
                                  strcspn(r->path.text + at + 1, "/") + 2));
    if (!rc)
        rc = may_weigh(r, size_of(value_len, near->perms, 0));
    if (rc)
        return rc;
    nr = d->used[QUOTA_NODES] + count_missing(&r->path, at);
    if (r->v.t)
        nr += txn_due_nodes(r->v.t, d->domid);
    if (!quota_allows(r->s, d, QUOTA_NODES, nr, r->path.text))
        return -ENOSPC;
    return txn_check_size(&r->v, r->path.text);
}

/* --- writing ----------------------------------------------------------------
 */

int req_write(struct request *r)
{
    const char *nul = r->len ? memchr(r->payload, '\0', r->len) : NULL;
    const char *value;
    struct node *n;
    size_t len;
    int rc;

    if (!nul)
        return -EINVAL;
    value = nul + 1;
    len = r->len - (size_t)(value - r->payload);
    rc = request_path(r, r->payload, PATH_NODE);
    if (rc)
        return rc;
    rc = find(r, PERM_WRITE, 0, &n);
    if (!rc)
        rc = may_weigh(r, size_of(len, n->perms, node_names_len(n)));
    else if (rc == -ENOENT)
        rc = may_add(r, len);
    if (rc)
        return rc;
    view_write_at(&r->v, n, r->path.text, value, len);
    txn_did(&r->v, OP_WRITE, r->path.text, value, len, NULL);
    return 0;
}

int req_mkdir(struct request *r)
{
    struct node *n;
    int rc = request_only_path(r);

    if (rc)
        return rc;
    rc = find(r, PERM_WRITE, 0, &n);
    if (rc != -ENOENT)
        return rc;
    rc = may_add(r, 0);
    if (rc)
        return rc;
    view_mkdir(&r->v, r->path.text);
    txn_did(&r->v, OP_MKDIR, r->path.text, NULL, 0, NULL);
    return 0;
}

/* A missing node is as good as removed, if it could have been there. */
static int absent_is_fine(struct request *r)
{
    size_t parent = path_parent_len(r->path.text, r->path.len);

    return tree_find_n(*view_root(&r->v), r->path.text, parent) ? 0 : -ENOENT;
}

int req_rm(struct request *r)
{
    struct node *n;
    int rc = request_only_path(r);

    if (rc)
        return rc;
    rc = find(r, PERM_WRITE, 0, &n);
    if (rc == -ENOENT)
        return absent_is_fine(r);
    if (!rc && r->path.len == 1)
        rc = -EINVAL;
    if (rc)
        return rc;
    view_remove(&r->v, r->path.text);
    txn_did(&r->v, OP_REMOVE, r->path.text, NULL, 0, NULL);
    return 0;
}

/* --- permissions ------------------------------------------------------------
 */

/* Strings to a shared list: *out is a reference. */
static int parse_perms(struct request *r, const char *text, size_t nr,
                       struct perms **out)
{
    struct domain *d = r->c->domain;
    struct perm list[PERMS_MAX];
    size_t i;
    int rc;

    if (client_is_limited(r->c) &&
        !quota_allows(r->s, d, QUOTA_NODE_PERMISSIONS, (int64_t)nr, text))
        return -ENOSPC;
    if (nr > PERMS_MAX)
        return -ENOSPC;
    for (i = 0; i < nr; i++) {
        rc = perm_parse(text, &list[i]);
        if (rc)
            return rc;
        text += strlen(text) + 1;
    }
    *out = store_perms(r->s, list, nr);
    return 0;
}

static int set_special(struct request *r, struct perms *perms)
{
    int which = store_special(r->path.text);

    if (which < 0)
        return -EINVAL;
    if (store_perm_bits(r->c, r->s->special[which]) != PERM_ALL)
        return -EACCES;
    perms_put(r->s->special[which]);
    r->s->special[which] = perms_get(perms);
    journal_special(r->s, (unsigned int)which);
    return 0;
}

static bool owner_exists(struct request *r, unsigned int domid)
{
    const struct domain *d = store_domain(r->s, domid);

    if (!d)
        return false;
    return d->introduced || r->s->ops->domain_exists(r->s->ctx, domid);
}

static int set_node(struct request *r, struct perms *perms)
{
    unsigned int owner = perms->list[0].domid;
    struct node *n;
    int rc;

    rc = find(r, PERM_WRITE | PERM_OWNER, SAW_PERMS, &n);
    if (rc)
        return rc;
    if (client_is_limited(r->c) && owner != n->perms->list[0].domid)
        return -EPERM;
    if (!owner_exists(r, owner))
        return -ENOENT;
    rc = may_weigh(r, size_of(n->value_len, perms, node_names_len(n)));
    if (rc)
        return rc;
    view_set_perms(&r->v, r->path.text, perms);
    txn_did(&r->v, OP_PERMS, r->path.text, NULL, 0, perms);
    return 0;
}

int req_set_perms(struct request *r)
{
    size_t nr = wire_count(r->payload, r->len);
    struct perms *perms;
    int rc;

    if (nr < 2)
        return -EINVAL;
    rc = request_path(r, r->payload, PATH_NODE_OR_SPECIAL);
    if (!rc)
        rc =
            parse_perms(r, r->payload + strlen(r->payload) + 1, nr - 1, &perms);
    if (rc)
        return rc;
    rc = path_is_special(r->path.text) ? set_special(r, perms)
                                       : set_node(r, perms);
    perms_put(perms);
    return rc;
}
