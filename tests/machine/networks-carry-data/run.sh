# The three kinds of networks.conf(5), with the world in a network namespace:
# guests get addresses by DHCP and reach each other; from nat they reach the
# world behind the host's address and are not reached; host-only leads nowhere;
# bridged with an uplink is the world's own wire.
# on: host
# secs: 200
. /run/job/files/pv/lib.sh
pv_up
modprobe -a veth nf_tables nft_masq nft_chain_nat || fail modprobe

# wan0 is routed, wan1 is to become a port.
ip netns add world
for i in 0 1; do
    ip link add wan$i type veth peer name eth$i netns world
    ip link set wan$i up
    ip -n world link set eth$i up
done
ip addr add 192.0.2.1/24 dev wan0
ip -n world addr add 192.0.2.2/24 dev eth0
ip -n world addr add 198.51.100.2/24 dev eth1
ip -n world link set lo up
ip netns exec world socat TCP-LISTEN:80,fork,reuseaddr SYSTEM:'echo YOU $SOCAT_PEERADDR' &

reload() { kill -HUP "$(pvnd_pid)" && wait_for 20 has_networks "$1"; }
has_networks() { [ "$(pvn network-list --json | grep -c '"name"')" = "$1" ]; }
cp $pv_etc/networks.conf /run/networks.before
cat >> $pv_etc/networks.conf <<'E'
[default]
type = nat
bridge = pvnat0
address = 10.77.0.1/24
dhcp = yes
[inside]
type = host-only
address = 10.78.0.1/24
dhcp = yes
dhcp-range = 10.78.0.50 - 10.78.0.60
[outside]
type = bridged
bridge = pvout0
uplink = wan1
E
reload 4 || { tail $pv_log; fail "pvnd does not take the new networks"; }

# A guest asks for an address on each of its cards, says which it got (more than
# once: its kernel's messages may tear a line), and runs what comes in at port 7.
job='cat > /tmp/up <<"E"
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
[ -z "$router" ] || ip route add default via $router
echo "LEASE $ip ${router:-none} ${dns:-none} END" > /tmp/lease
E
chmod +x /tmp/up
ip link set eth0 up
udhcpc -i eth0 -q -t 5 -T 1 -A 1 -s /tmp/up
[ ! -e /sys/class/net/eth1 ] || { ip addr add 198.51.100.9/24 dev eth1; ip link set eth1 up; }
while :; do cat /tmp/lease; sleep 1; done &
nc -ll -p 7 -e /bin/sh'
pv_guest a "job=$job" 'vif=[""]'
pv_guest b "job=$job" 'vif=["bridge=pvnat0"]'
pv_guest c "job=$job" 'vif=["bridge=inside", "bridge=outside"]'
for g in a b c; do pvn create -q /run/$g.cfg || fail "create $g"; done
lease() { pv_log_of "$1" | tr -d '\r' | sed -n 's/^LEASE \([^ ]* [^ ]* [^ ]*\) END$/\1/p' | tail -1; }
for g in a b c; do pv_wait $g '^LEASE [^ ]* [^ ]* [^ ]* END' 90; done
read -r a router dns < <(lease a)
read -r b _ < <(lease b)
read -r c none _ < <(lease c)
case $a+$b in 10.77.0.1??+10.77.0.1??) ;; 10.77.0.2??+* | *+10.77.0.2??) ;; *) fail "nat: addresses $a and $b" ;; esac
[ "$a" != "$b" ] || fail "two guests got $a"
[ "$router $dns" = "10.77.0.1 10.77.0.1" ] || fail "nat: router $router, dns $dns"
case $c in 10.78.0.5? | 10.78.0.60) ;; *) fail "host-only: address $c" ;; esac
[ "$none" = none ] || fail "host-only: a router was offered: $none"

# in_guest ADDRESS COMMAND
in_guest() { echo "$2" | timeout $((20 * SLOW)) socat -t $((15 * SLOW)) - "TCP:$1:7"; }
reaches() { in_guest "$1" "ping -c3 -W3 $2" | grep -q ' 0% packet loss'; }
never() { ! in_guest "$1" "ping -c2 -W2 $2" | grep -q 'bytes from'; }
say nat
want "guests of a network reach each other" reaches "$a" "$b"
want "nat reaches the world" reaches "$a" 192.0.2.2
you=$(in_guest "$b" 'nc 192.0.2.2 80 < /dev/null')
[ "$you" = "YOU 192.0.2.1" ] || fail "the world sees '$you' instead of the host's address"
ip -n world route add 10.77.0.0/24 via 192.0.2.1
ip netns exec world ping -c2 -W2 "$a" > /dev/null && fail "the world reaches a guest behind nat"
ip netns exec world socat -T3 - "TCP:$a:7,connect-timeout=3" < /dev/null 2> /dev/null &&
    fail "the world connects to a guest behind nat"

say host-only
want "the host reaches a host-only guest" ping -q -c2 -W3 "$c"
in_guest "$c" 'ip route add default via 10.78.0.1' > /dev/null
want "host-only is not routed to the world" never "$c" 192.0.2.2
want "host-only is not routed to nat" never "$c" "$a"
want "nat is not routed to host-only" never "$a" "$c"

say bridged
want "the uplink is a port of its bridge" test -e /sys/class/net/pvout0/brif/wan1
want "a bridged guest reaches the wire" reaches "$c" 198.51.100.2
want "the wire reaches a bridged guest" ip netns exec world ping -q -c2 -W3 198.51.100.9

# Leases and networks survive pvnd; a second reload disturbs nobody.
say reload
pvnd_kill; pvnd_start
reload 4 || fail "a reload after a restart"
want "nat works after pvnd came back" reaches "$a" 192.0.2.2
[ "$(pgrep -cx dnsmasq)" = 2 ] || fail "$(pgrep -cx dnsmasq) DHCP servers instead of 2"

# What cannot be is said, and the networks that were there stay.
for bad in 'address = 10.77.0.1/99' 'colour = red' 'uplink = lo\ntype = nat\ndhcp = perhaps'; do
    cp $pv_etc/networks.conf /run/networks.good
    printf '[bad]\n%b\n' "$bad" >> $pv_etc/networks.conf
    kill -HUP "$(pvnd_pid)"
    wait_for 10 grep -q 'networks.conf:2[0-9]: ' $pv_log || { tail -3 $pv_log; fail "no complaint about '$bad'"; }
    : > $pv_log
    has_networks 4 || fail "a bad file took networks away"
    cp /run/networks.good $pv_etc/networks.conf
done

for g in a b c; do pvn destroy $g; done
cp /run/networks.before $pv_etc/networks.conf
reload 1 || fail "back to the networks of before"
for l in pvnat0 inside pvout0 wan0 wan1; do ip link del $l; done
kill %1
ip netns del world
