/* One entry of `vif = [...]` as in xl-network-configuration(5). */
#ifndef DOM0_CONFIG_NIC_H
#define DOM0_CONFIG_NIC_H

#include <stdbool.h>
#include <stdint.h>

struct nic_config {
    uint32_t devid; /* place in the list unless given */
    bool mac_given;
    uint8_t mac[6];
    char *bridge;  /* NULL: the host's default */
    char *vifname; /* NULL: vif<domid>.<devid> */
    char *ip;      /* as given, or NULL */
    char *script, *backend, *model, *type, *gatewaydev;
    uint64_t rate_bytes; /* in each interval; 0: unlimited */
    uint32_t rate_interval_us;
    uint32_t mtu;           /* 0: the bridge's */
    uint32_t vlan;          /* of the bridge; 0: none of its own */
    bool isolated;          /* speaks with no other isolated card */
    bool antispoof;         /* sends from its own address only */
    bool untrusted_backend; /* trusted=0 */
};

/* As disk_parse(). */
int nic_parse(struct nic_config *n, const char *text, char *why, char *warning,
              unsigned size);
void nic_free(struct nic_config *n);

/* "00:16:3e:01:02:03". -EINVAL. */
int nic_mac_parse(const char *text, uint8_t mac[6]);
/* Into 18 bytes. */
void nic_mac_print(const uint8_t mac[6], char *text);
/* The card's own address where none is given: the same for the same guest. */
void nic_mac_derive(const uint8_t uuid[16], uint32_t devid, uint8_t mac[6]);

#endif
