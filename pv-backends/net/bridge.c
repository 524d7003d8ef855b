#include "pv-backends/net/bridge.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/msg.h>

enum { DEFAULT_VLAN = 1 };

/* Send the message (it is freed) and wait for what the kernel says of it. */
static int ask(struct nl_msg *msg)
{
    struct nl_sock *sock = nl_socket_alloc();
    int rc = -ENOMEM;

    if (!sock) {
        nlmsg_free(msg);
        return rc;
    }
    rc = nl_connect(sock, NETLINK_ROUTE);
    if (rc)
        nlmsg_free(msg);
    else
        rc = nl_send_sync(sock, msg);
    nl_socket_free(sock);
    return rc ? -EIO : 0;
}

static struct nl_msg *port_message(int type, int index)
{
    struct ifinfomsg port = {.ifi_family = AF_BRIDGE, .ifi_index = index};
    struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK);

    if (msg && nlmsg_append(msg, &port, sizeof(port), NLMSG_ALIGNTO)) {
        nlmsg_free(msg);
        msg = NULL;
    }
    return msg;
}

static int set_isolated(int index, bool isolated)
{
    struct nl_msg *msg = port_message(RTM_SETLINK, index);
    struct nlattr *nest;
    int rc = -ENOMEM;

    if (!msg)
        return rc;
    nest = nla_nest_start(msg, IFLA_PROTINFO | NLA_F_NESTED);
    if (!nest || nla_put_u8(msg, IFLA_BRPORT_ISOLATED, isolated)) {
        nlmsg_free(msg);
        return rc;
    }
    nla_nest_end(msg, nest);
    return ask(msg);
}

/* Add the VLAN as the port's own, or (`type` RTM_DELLINK) take it away. */
static int change_vlan(int type, int index, uint16_t vlan)
{
    struct bridge_vlan_info info = {.vid = vlan};
    struct nl_msg *msg = port_message(type, index);
    struct nlattr *nest;
    int rc = -ENOMEM;

    if (!msg)
        return rc;
    if (type == RTM_SETLINK)
        info.flags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
    nest = nla_nest_start(msg, IFLA_AF_SPEC);
    if (!nest || nla_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info)) {
        nlmsg_free(msg);
        return rc;
    }
    nla_nest_end(msg, nest);
    return ask(msg);
}

static bool filters_vlans(const char *bridge)
{
    char path[96];
    int on = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/sys/class/net/%s/bridge/vlan_filtering",
             bridge);
    f = fopen(path, "re");
    if (!f)
        return false;
    if (fscanf(f, "%d", &on) != 1)
        on = 0;
    fclose(f);
    return on;
}

static int set_vlan(const char *bridge, int index, uint16_t vlan)
{
    int rc;

    if (!filters_vlans(bridge))
        return -EOPNOTSUPP;
    rc = change_vlan(RTM_SETLINK, index, vlan);
    if (!rc && vlan != DEFAULT_VLAN)
        change_vlan(RTM_DELLINK, index, DEFAULT_VLAN); /* may not be there */
    return rc;
}

/* The address as a static one of this port. */
static int set_address(int index, const struct netplace *place)
{
    struct ndmsg entry = {.ndm_family = AF_BRIDGE,
                          .ndm_ifindex = index,
                          .ndm_state = NUD_NOARP,
                          .ndm_flags = NTF_MASTER};
    struct nl_msg *msg = nlmsg_alloc_simple(
        RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    int rc = -ENOMEM;

    if (!msg)
        return rc;
    if (nlmsg_append(msg, &entry, sizeof(entry), NLMSG_ALIGNTO) ||
        nla_put(msg, NDA_LLADDR, NET_MAC_BYTES, place->mac) ||
        (place->vlan && nla_put_u16(msg, NDA_VLAN, place->vlan))) {
        nlmsg_free(msg);
        return rc;
    }
    return ask(msg);
}

int bridge_place(const char *name, const struct netplace *place,
                 struct backend_why *why)
{
    static const uint8_t none[NET_MAC_BYTES];
    int index = (int)if_nametoindex(name), rc;

    if (place->vlan) {
        rc = set_vlan(place->bridge, index, place->vlan);
        if (rc)
            return backend_fail(
                why, rc, "cannot put %s into VLAN %u of bridge %s%s", name,
                place->vlan, place->bridge,
                rc == -EOPNOTSUPP ? ": it does not filter VLANs" : "");
    }
    rc = set_isolated(index, place->isolated);
    if (rc && place->isolated)
        return backend_fail(why, rc, "cannot isolate %s on bridge %s", name,
                            place->bridge);
    /* Without it other ports see a frame now and then: no reason to refuse. */
    if (memcmp(place->mac, none, NET_MAC_BYTES))
        set_address(index, place);
    return 0;
}
