# xl vcpu-set takes CPUs from a running guest and gives them back.
# on: pc2
# secs: 120
xen_up
guest_create hot vcpus=4 job='l=; while :; do n=$(nproc); [ "$n" = "$l" ] || echo "NOW $n"; l=$n
for c in /sys/devices/system/cpu/cpu[1-9]; do [ -f $c/online ] && [ $(cat $c/online) = 0 ] && [ -f /tmp/up ] && echo 1 > $c/online; done 2>/dev/null
[ $n = 1 ] && touch /tmp/up; sleep 0.3; done'
guest_wait hot 'NOW 4' 60
want "xl vcpu-set 1" xl vcpu-set hot 1
guest_wait hot 'NOW 1' 30
up() { [ "$(xl vcpu-list hot | awk 'NR > 1 && $4 != "-"' | wc -l)" = "$1" ]; }
wait_for 20 up 1 || fail "xl vcpu-list still shows others"
want "xl vcpu-set 3" xl vcpu-set --ignore-host hot 3
guest_wait hot 'NOW 3' 30
wait_for 20 up 3 || fail "xl vcpu-list does not show three"
