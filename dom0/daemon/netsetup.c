#include "dom0/daemon/netsetup.h"
#include "dom0/daemon/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NFT "/usr/sbin/nft"

extern char **environ;

/* --- netlink ---------------------------------------------------------------*/

static struct nl_sock *route_open(void)
{
    struct nl_sock *s = nl_socket_alloc();

    if (s && nl_connect(s, NETLINK_ROUTE)) {
        nl_socket_free(s);
        s = NULL;
    }
    return s;
}

/* The link of this name, whose reference is the caller's, or NULL. */
static struct rtnl_link *link_get(struct nl_sock *s, const char *name)
{
    struct rtnl_link *link = NULL;

    if (rtnl_link_get_kernel(s, 0, name, &link))
        return NULL;
    return link;
}

static bool link_is_bridge(struct rtnl_link *link)
{
    const char *type = rtnl_link_get_type(link);

    return type && !strcmp(type, "bridge");
}

int netsetup_check_bridge(const char *name, struct fault *f)
{
    struct nl_sock *s = route_open();
    struct rtnl_link *link;
    int rc = 0;

    if (!s)
        return fault_set(f, -EIO, FAULT_FAILED, "no route netlink socket");
    link = link_get(s, name);
    if (!link)
        rc = fault_set(f, -ENODEV, FAULT_DEVICE, "there is no bridge \"%s\"",
                       name);
    else if (!link_is_bridge(link))
        rc =
            fault_set(f, -ENODEV, FAULT_DEVICE, "\"%s\" is not a bridge", name);
    if (link)
        rtnl_link_put(link);
    nl_socket_free(s);
    return rc;
}

static int fail(struct fault *f, const char *doing, const char *what, int nlerr)
{
    return fault_set(f, -EIO, FAULT_DEVICE, "%s %s: %s", doing, what,
                     nl_geterror(nlerr));
}

static int bridge_make(struct nl_sock *s, const char *name, struct fault *f)
{
    struct rtnl_link *link = rtnl_link_bridge_alloc();
    int err;

    if (!link)
        return fault_set(f, -ENOMEM, FAULT_FAILED, "out of memory");
    rtnl_link_set_name(link, name);
    err = rtnl_link_add(s, link, NLM_F_CREATE | NLM_F_EXCL);
    rtnl_link_put(link);
    return err ? fail(f, "making bridge", name, err) : 0;
}

/* The bridge, made if it is not there. */
static struct rtnl_link *bridge_get(struct nl_sock *s, const char *name,
                                    struct fault *f)
{
    struct rtnl_link *link = link_get(s, name);

    if (!link && bridge_make(s, name, f))
        return NULL;
    if (!link)
        link = link_get(s, name);
    if (!link) {
        fault_set(f, -ENODEV, FAULT_DEVICE, "bridge %s vanished", name);
        return NULL;
    }
    if (!link_is_bridge(link)) {
        fault_set(f, -EEXIST, FAULT_DEVICE, "\"%s\" is not a bridge", name);
        rtnl_link_put(link);
        return NULL;
    }
    return link;
}

static int link_up(struct nl_sock *s, struct rtnl_link *link, unsigned mtu,
                   struct fault *f)
{
    struct rtnl_link *change = rtnl_link_alloc();
    int err;

    if (!change)
        return fault_set(f, -ENOMEM, FAULT_FAILED, "out of memory");
    rtnl_link_set_flags(change, IFF_UP);
    if (mtu)
        rtnl_link_set_mtu(change, mtu);
    err = rtnl_link_change(s, link, change, 0);
    rtnl_link_put(change);
    return err ? fail(f, "starting", rtnl_link_get_name(link), err) : 0;
}

static int address_add(struct nl_sock *s, struct rtnl_link *link,
                       const struct network *n, struct fault *f)
{
    struct rtnl_addr *addr = rtnl_addr_alloc();
    struct nl_addr *local = NULL, *broadcast = NULL;
    struct in_addr last = {n->address.s_addr | ~network_mask(n).s_addr};
    int err = -NLE_NOMEM;

    local = nl_addr_build(AF_INET, &n->address, sizeof(n->address));
    broadcast = nl_addr_build(AF_INET, &last, sizeof(last));
    if (!addr || !local || !broadcast)
        goto out;
    nl_addr_set_prefixlen(local, (int)n->prefix_len);
    rtnl_addr_set_ifindex(addr, rtnl_link_get_ifindex(link));
    rtnl_addr_set_local(addr, local);
    rtnl_addr_set_broadcast(addr, broadcast);
    err = rtnl_addr_add(s, addr, NLM_F_CREATE | NLM_F_EXCL);
    if (err == -NLE_EXIST)
        err = 0; /* as it should be already */
out:
    if (local)
        nl_addr_put(local);
    if (broadcast)
        nl_addr_put(broadcast);
    if (addr)
        rtnl_addr_put(addr);
    return err ? fail(f, "giving an address to", n->bridge, err) : 0;
}

static bool link_has_address(struct nl_sock *s, int ifindex)
{
    struct nl_cache *cache;
    struct nl_object *o;
    bool found = false;

    if (rtnl_addr_alloc_cache(s, &cache))
        return false;
    for (o = nl_cache_get_first(cache); o; o = nl_cache_get_next(o)) {
        struct rtnl_addr *a = (struct rtnl_addr *)o;

        if (rtnl_addr_get_ifindex(a) == ifindex &&
            rtnl_addr_get_family(a) == AF_INET)
            found = true;
    }
    nl_cache_free(cache);
    return found;
}

/*
 * Make the uplink a port of the bridge. One that carries dom0's own address
 * is left alone: taking it would cut the host off, and moving addresses is
 * the business of the system's network configuration.
 */
static int uplink_join(struct nl_sock *s, struct rtnl_link *bridge,
                       const struct network *n, struct fault *f)
{
    struct rtnl_link *up = link_get(s, n->uplink);
    int index = rtnl_link_get_ifindex(bridge), rc = 0, err;

    if (!up)
        return fault_set(f, -ENODEV, FAULT_DEVICE,
                         "there is no interface \"%s\"", n->uplink);
    if (rtnl_link_get_master(up) == index)
        goto out;
    if (rtnl_link_get_master(up)) {
        rc = fault_set(f, -EBUSY, FAULT_DEVICE,
                       "interface %s is a port of another bridge", n->uplink);
        goto out;
    }
    if (link_has_address(s, rtnl_link_get_ifindex(up))) {
        rc = fault_set(f, -EBUSY, FAULT_DEVICE,
                       "interface %s has an address of its own; let the "
                       "system's network configuration make bridge %s",
                       n->uplink, n->bridge);
        goto out;
    }
    err = rtnl_link_enslave(s, bridge, up);
    rc = err ? fail(f, "adding to the bridge", n->uplink, err)
             : link_up(s, up, 0, f);
out:
    rtnl_link_put(up);
    return rc;
}

static int network_make(struct nl_sock *s, const struct network *n,
                        struct fault *f)
{
    struct rtnl_link *bridge = bridge_get(s, n->bridge, f);
    int rc;

    if (!bridge)
        return -EIO;
    rc = link_up(s, bridge, n->mtu, f);
    if (!rc && n->address.s_addr)
        rc = address_add(s, bridge, n, f);
    if (!rc && n->type == NETWORK_BRIDGED && n->uplink[0])
        rc = uplink_join(s, bridge, n, f);
    rtnl_link_put(bridge);
    return rc;
}

/* --- forwarding and translation --------------------------------------------*/

static int forwarding_on(struct fault *f)
{
    static const char path[] = "/proc/sys/net/ipv4/ip_forward";
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, "1\n", 2);

    if (fd >= 0)
        close(fd);
    if (n != 2)
        return fault_set(f, -EIO, FAULT_FAILED, "%s: %s", path,
                         strerror(errno));
    return 0;
}

/* Feed `text` to nft(8). */
static int nft_run(const char *text, struct fault *f)
{
    char nft[] = NFT, file[] = "-f", standard[] = "-";
    char *const argv[] = {nft, file, standard, NULL};
    posix_spawn_file_actions_t actions;
    size_t len = strlen(text);
    int fd, status, rc;
    pid_t pid;

    fd = memfd_create("rules", MFD_CLOEXEC);
    if (fd < 0)
        return fault_set(f, -errno, FAULT_FAILED, "out of memory");
    if (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET)) {
        close(fd);
        return fault_set(f, -EIO, FAULT_FAILED, "out of memory");
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    rc = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fd);
    if (rc)
        return fault_set(f, -rc, FAULT_FAILED, "cannot run " NFT ": %s",
                         strerror(rc));
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
        WEXITSTATUS(status))
        return fault_set(f, -EIO, FAULT_FAILED, "nft refused the rules");
    return 0;
}

/* There is a file while there are rules: starting nft to find out would cost
 * every start of pvnd on a host without any a second. */
static void note_rules(const char *path, bool any)
{
    int fd = any ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;

    if (fd >= 0)
        close(fd);
    else if (!any)
        unlink(path);
}

static int rules_apply(const struct networks *n, const char *dir,
                       struct fault *f)
{
    static char text[64 * 1024];
    bool nat = false, any = false;
    char note[300];
    size_t i;
    int rc;

    for (i = 0; i < n->nr; i++) {
        nat |= n->list[i].type == NETWORK_NAT;
        any |= n->list[i].type != NETWORK_BRIDGED;
    }
    snprintf(note, sizeof(note), "%s/rules", dir);
    if (!any && access(note, F_OK))
        return 0;
    rc = networks_nft(n, text, sizeof(text));
    if (rc)
        return fault_set(f, rc, FAULT_FAILED, "too many rules");
    note_rules(note, true);
    rc = nft_run(text, f);
    if (!rc)
        note_rules(note, any);
    return rc || !nat ? rc : forwarding_on(f);
}

static int bridge_remove(struct nl_sock *s, const char *name, struct fault *f)
{
    struct rtnl_link *link = link_get(s, name);
    int rc = 0;

    if (link && link_is_bridge(link))
        rc = rtnl_link_delete(s, link);
    if (link)
        rtnl_link_put(link);
    return rc ? fail(f, "remove the bridge", name, rc) : 0;
}

int netsetup_remove(const struct networks *n, struct fault *f)
{
    struct nl_sock *s = route_open();
    bool any = false;
    int rc = 0;

    if (!s)
        return fault_set(f, -EIO, FAULT_FAILED, "no route netlink socket");
    for (size_t i = 0; !rc && i < n->nr; i++) {
        if (n->list[i].type == NETWORK_BRIDGED)
            continue;
        any = true;
        rc = bridge_remove(s, n->list[i].bridge, f);
    }
    nl_socket_free(s);
    if (!rc && any)
        rc =
            nft_run("add table inet paravane\ndelete table inet paravane\n", f);
    return rc;
}

int netsetup_apply(const struct networks *n, const char *dir)
{
    struct nl_sock *s = route_open();
    struct fault f = {0};
    int failed = 0;
    size_t i;

    if (!s) {
        log_error("no route netlink socket");
        return (int)n->nr;
    }
    for (i = 0; i < n->nr; i++) {
        struct fault why = {0};

        if (!network_make(s, &n->list[i], &why))
            continue;
        log_error("network %s: %s", n->list[i].name, why.text);
        failed++;
    }
    nl_socket_free(s);
    if (rules_apply(n, dir, &f)) {
        log_error("nat and host-only networks: %s", f.text);
        failed++;
    }
    return failed;
}
