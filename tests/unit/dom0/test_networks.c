/*
 * networks.conf: what it says is what comes out; a mistake is refused with its
 * file and line and leaves nothing.
 *
 * sources: dom0/daemon/networks.c dom0/daemon/fault.c
 */
#include "dom0/daemon/networks.h"

#include <arpa/inet.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int parse(struct networks *n, const char *text, struct fault *f)
{
    *f = (struct fault){0};
    return networks_parse(n, "n.conf", text, strlen(text), f);
}

static void test_networks_are_read(void **state)
{
    static const char text[] =
        "# three\n"
        "[default]\n"
        "type = nat # hides\n"
        "  bridge=pvnat0\n"
        "address = 10.77.0.1/24\n"
        "dhcp = yes\n"
        "dhcp-range = 10.77.0.10 - 10.77.0.20\n"
        "[wire]\ntype = bridged\nuplink = eth1\nmtu = 9000\n"
        "\n[inside]\n";
    struct networks n;
    struct fault f;
    const struct network *one;

    (void)state;
    assert_int_equal(parse(&n, text, &f), 0);
    assert_int_equal(n.nr, 3);
    one = networks_find(&n, "default");
    assert_int_equal(one->type, NETWORK_NAT);
    assert_ptr_equal(networks_find(&n, "pvnat0"), one);
    assert_string_equal(inet_ntoa(one->dhcp_last), "10.77.0.20");
    one = networks_find(&n, "wire");
    assert_int_equal(one->type, NETWORK_BRIDGED);
    assert_string_equal(one->bridge, "wire");
    assert_string_equal(one->uplink, "eth1");
    assert_int_equal(one->mtu, 9000);
    assert_int_equal(networks_find(&n, "inside")->type, NETWORK_HOST_ONLY);
    assert_null(networks_find(&n, "none"));
    networks_release(&n);
}

static void test_range_has_a_default_outside_our_address(void **state)
{
    struct networks n;
    struct fault f;

    (void)state;
    assert_int_equal(parse(&n, "[a]\naddress=192.168.5.1/24\ndhcp=yes\n", &f),
                     0);
    assert_string_equal(inet_ntoa(n.list[0].dhcp_first), "192.168.5.128");
    assert_string_equal(inet_ntoa(n.list[0].dhcp_last), "192.168.5.254");
    networks_release(&n);
}

static void test_mistakes_name_their_line(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"type = nat\n", "n.conf:1: \"type\" stands before"},
        {"[a\n", "n.conf:1:"},
        {"[a b]\n", "cannot be a network's name"},
        {"[a]\n[a]\n", "n.conf:2: network a is there twice"},
        {"[a]\ntype = vlan\n", "n.conf:2: \"vlan\" is no type"},
        {"[a]\nbridge = a/b\n", "interface"},
        {"[a]\nbridge = abcdefghijklmnop\n", "interface"},
        {"[a]\naddress = 10.0.0.1\n", "prefix"},
        {"[a]\naddress = 10.0.0.300/24\n", "no IPv4"},
        {"[a]\naddress = 10.0.0.1/33\n", "no IPv4"},
        {"[a]\naddress = 10.0.0.0/24\n", "network's own"},
        {"[a]\naddress = 10.0.0.255/24\n", "broadcast"},
        {"[a]\ndhcp = maybe\n", "neither yes nor no"},
        {"[a]\ndhcp = yes\n", "DHCP needs an address"},
        {"[a]\ntype = nat\n", "nat needs an address"},
        {"[a]\nuplink = eth0\n", "host-only has no uplink"},
        {"[a]\naddress=10.0.0.1/24\ndhcp=yes\ndhcp-range=10.0.1.5-10.0.1.6\n",
         "not inside"},
        {"[a]\naddress=10.0.0.9/24\ndhcp=yes\ndhcp-range=10.0.0.5-10.0.0.16\n",
         "our own address"},
        {"[a]\ndhcp-range=10.0.0.9-10.0.0.5\n", "ends before"},
        {"[a]\nbridge=x\n[b]\nbridge=x\n", "same bridge"},
        {"[a]\naddress=10.0.0.1/16\n[b]\naddress=10.0.7.1/24\n",
         "share addresses"},
        {"[a]\nmtu = 20\n", "no MTU"},
        {"[a]\ncolour = red\n", "n.conf:2: there is no key \"colour\""},
        {"[a]\nnonsense\n", "n.conf:2:"},
    };
    struct networks n;
    struct fault f;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(parse(&n, cases[i].text, &f) < 0);
        if (!strstr(f.text, cases[i].reason))
            fail_msg("%s: %s", cases[i].text, f.text);
        assert_null(n.list);
    }
}

static void test_bytes_that_are_no_text_are_refused(void **state)
{
    struct networks n;
    struct fault f = {0};

    (void)state;
    assert_true(networks_parse(&n, "n", "[a]\n\0\n", 6, &f) < 0);
}

static void test_nat_is_translated_and_closed_to_the_outside(void **state)
{
    struct networks n;
    struct fault f;
    char text[4096];

    (void)state;
    assert_int_equal(parse(&n,
                           "[a]\ntype=nat\naddress=10.1.0.1/16\nuplink=eth0\n"
                           "[b]\n[c]\ntype=bridged\n",
                           &f),
                     0);
    assert_int_equal(networks_nft(&n, text, sizeof(text)), 0);
    assert_non_null(strstr(text, "ip saddr 10.1.0.0/16 oifname != \"a\" "
                                 "masquerade"));
    assert_non_null(strstr(text, "iifname \"a\" oifname != \"eth0\" drop"));
    assert_non_null(strstr(text, "iifname \"a\" ip saddr != 10.1.0.0/16"));
    assert_non_null(strstr(text, "oifname \"a\" drop"));
    assert_non_null(strstr(text, "iifname \"b\" drop"));
    assert_null(strstr(text, "\"c\""));
    /* It has to be possible to load it again. */
    assert_true(strstr(text, "add table") < strstr(text, "delete table"));
    assert_true(networks_nft(&n, text, 200) < 0);
    networks_release(&n);
}

static void test_dhcp_listens_on_its_bridge_alone(void **state)
{
    struct networks n;
    struct fault f;
    char text[1024];

    (void)state;
    assert_int_equal(parse(&n, "[a]\naddress=10.1.0.1/24\ndhcp=yes\n", &f), 0);
    assert_int_equal(network_dnsmasq(&n.list[0], "/run/x", text, sizeof(text)),
                     0);
    assert_non_null(strstr(text, "interface=a\n"));
    assert_non_null(strstr(text, "except-interface=lo\n"));
    assert_non_null(strstr(text, "dhcp-range=10.1.0.128,10.1.0.254\n"));
    assert_non_null(strstr(text, "dhcp-leasefile=/run/x/a.leases\n"));
    assert_non_null(strstr(text, "dhcp-option=3\n"));
    networks_release(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks_are_read),
        cmocka_unit_test(test_range_has_a_default_outside_our_address),
        cmocka_unit_test(test_mistakes_name_their_line),
        cmocka_unit_test(test_bytes_that_are_no_text_are_refused),
        cmocka_unit_test(test_nat_is_translated_and_closed_to_the_outside),
        cmocka_unit_test(test_dhcp_listens_on_its_bridge_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
