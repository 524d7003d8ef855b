#include "pv-backends/net/link.h"

#include "pv-backends/runtime/log.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/qdisc.h>

/* libnl's errors as ours. */
static int error_of(int rc)
{
    switch (-rc) {
    case NLE_SUCCESS:
        return 0;
    case NLE_OBJ_NOTFOUND:
    case NLE_NODEV:
        return -ENODEV;
    case NLE_NOMEM:
        return -ENOMEM;
    case NLE_PERM:
        return -EPERM;
    case NLE_NOACCESS:
        return -EACCES;
    case NLE_EXIST:
        return -EEXIST;
    case NLE_BUSY:
        return -EBUSY;
    case NLE_OPNOTSUPP:
        return -EOPNOTSUPP;
    default:
        return -EIO;
    }
}

static int open_socket(struct nl_sock **out)
{
    int rc;

    *out = nl_socket_alloc();
    if (!*out)
        return -ENOMEM;
    rc = nl_connect(*out, NETLINK_ROUTE);
    if (rc) {
        nl_socket_free(*out);
        return error_of(rc);
    }
    return 0;
}

int link_alias(const char *name, char alias[LINK_ALIAS_BYTES])
{
    struct rtnl_link *link;
    struct nl_sock *sock;
    const char *text;
    int rc = open_socket(&sock);

    alias[0] = 0;
    if (rc)
        return rc;
    rc = error_of(rtnl_link_get_kernel(sock, 0, name, &link));
    if (!rc) {
        text = rtnl_link_get_ifalias(link);
        snprintf(alias, LINK_ALIAS_BYTES, "%s", text ? text : "");
        rtnl_link_put(link);
    }
    nl_socket_free(sock);
    return rc;
}

/* Every bit of the address set but one: no bridge prefers it to its own. */
static int set_address(struct rtnl_link *change)
{
    static const char port_address[6] = {(char)0xfe, (char)0xff, (char)0xff,
                                         (char)0xff, (char)0xff, (char)0xff};
    struct nl_addr *addr = nl_addr_build(AF_LLC, port_address, 6);

    if (!addr)
        return -ENOMEM;
    rtnl_link_set_addr(change, addr);
    nl_addr_put(addr);
    return 0;
}

/*
 * Nothing in front of the tap, which never asks to wait: what its ring cannot
 * take it drops. The kernel would set up a queueing discipline for each of the
 * 256 queues that a tap may come to have, 6 MiB and more.
 */
static void set_no_queueing(struct nl_sock *sock, struct rtnl_link *link)
{
    struct rtnl_qdisc *q = rtnl_qdisc_alloc();
    int rc = q ? rtnl_tc_set_kind(TC_CAST(q), "noqueue") : -NLE_NOMEM;

    if (!rc) {
        rtnl_tc_set_link(TC_CAST(q), link);
        rtnl_tc_set_parent(TC_CAST(q), TC_H_ROOT);
        rc = rtnl_qdisc_add(sock, q, NLM_F_CREATE | NLM_F_REPLACE);
    }
    if (rc) /* it works as well with */
        log_warning("%s: queueing stays on: %s", rtnl_link_get_name(link),
                    nl_geterror(rc));
    rtnl_qdisc_put(q);
}

static int change_link(struct nl_sock *sock, struct rtnl_link *link,
                       const char *alias, struct rtnl_link *bridge,
                       unsigned int mtu)
{
    struct rtnl_link *change = rtnl_link_alloc();
    int rc = -ENOMEM;

    if (!change)
        return rc;
    rtnl_link_set_ifalias(change, alias);
    rc = set_address(change);
    if (rc)
        goto put_change;
    if (!mtu && bridge)
        mtu = rtnl_link_get_mtu(bridge);
    if (mtu)
        rtnl_link_set_mtu(change, mtu);
    rc = error_of(rtnl_link_change(sock, link, change, 0));
    if (rc)
        goto put_change;
    set_no_queueing(sock, link);
    if (bridge && rtnl_link_get_master(link) != rtnl_link_get_ifindex(bridge))
        rc = error_of(rtnl_link_enslave(sock, bridge, link));
    if (rc)
        goto put_change;

    rtnl_link_put(change);
    change = rtnl_link_alloc();
    if (!change)
        return -ENOMEM;
    rtnl_link_set_flags(change, IFF_UP);
    rc = error_of(rtnl_link_change(sock, link, change, 0));
put_change:
    rtnl_link_put(change);
    return rc;
}

unsigned int link_mtu(const char *name)
{
    struct rtnl_link *link;
    struct nl_sock *sock;
    unsigned int mtu = 0;

    if (open_socket(&sock))
        return 0;
    if (!rtnl_link_get_kernel(sock, 0, name, &link)) {
        mtu = rtnl_link_get_mtu(link);
        rtnl_link_put(link);
    }
    nl_socket_free(sock);
    return mtu;
}

int link_setup(const char *name, const char *alias, const char *bridge,
               unsigned int mtu)
{
    struct rtnl_link *link = NULL, *on = NULL;
    struct nl_sock *sock;
    int rc = open_socket(&sock);

    if (rc)
        return rc;
    if (*bridge)
        rc = error_of(rtnl_link_get_kernel(sock, 0, bridge, &on));
    if (rc)
        goto free_socket;
    rc = error_of(rtnl_link_get_kernel(sock, 0, name, &link));
    if (!rc) {
        rc = change_link(sock, link, alias, on, mtu);
        rtnl_link_put(link);
    }
    if (on)
        rtnl_link_put(on);
free_socket:
    nl_socket_free(sock);
    return rc;
}

void link_remove_if(bool (*condemned)(void *arg, const char *alias), void *arg)
{
    struct nl_cache *cache;
    struct nl_object *o;
    struct nl_sock *sock;

    if (open_socket(&sock))
        return;
    if (rtnl_link_alloc_cache(sock, AF_UNSPEC, &cache))
        goto free_socket;
    for (o = nl_cache_get_first(cache); o; o = nl_cache_get_next(o)) {
        struct rtnl_link *link = (struct rtnl_link *)o;
        const char *alias = rtnl_link_get_ifalias(link);

        if (!alias || !condemned(arg, alias))
            continue;
        log_info("removing %s: its device is gone", rtnl_link_get_name(link));
        if (rtnl_link_delete(sock, link))
            log_warning("%s cannot be removed", rtnl_link_get_name(link));
    }
    nl_cache_free(cache);
free_socket:
    nl_socket_free(sock);
}
