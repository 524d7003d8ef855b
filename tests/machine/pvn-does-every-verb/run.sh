# Each verb of pvn on guests with a disk and a network card does what it says.
# on: host
# secs: 240
pv_up
for d in 1 2 3; do truncate -s 16M /tmp/d$d.img; done
pv_config one 'ip addr add 10.9.0.11/24 dev eth0; ip link set eth0 up
n=0; while sleep 0.5; do ping -c 1 -W 1 10.9.0.1 > /dev/null && n=$((n + 1)) && echo "PING $n"
    echo "CPUS $(grep -c ^processor /proc/cpuinfo) MEM $(awk "/MemTotal/ { print int(\$2 / 1024) }" /proc/meminfo)"
done' 'disk = ["/tmp/d1.img,raw,xvda,w"]' 'vif = [""]' 'vcpus = 2' 'maxmem = 128'
pv_config two 'while sleep 0.5; do echo "DISKS $(ls /sys/block | tr "\n" " ") NETS $(ls /sys/class/net | tr "\n" " ")"; done' \
    'disk = ["/tmp/d2.img,raw,xvda,w"]' 'vif = [""]'
pv_create one
pv_create two
pv_wait one 'PING 2' 90
pv_wait two 'DISKS .*xvda' 90

[ "$(pvn list -n | sort | paste -sd' ')" = "Domain-0 one two" ] || fail "list: $(pvn list -n)"
pvn list --json | python3 -c 'import json, sys; json.load(sys.stdin)' || fail "list --json is no JSON"
pvn info one | grep -q d1.img || fail "info does not name the disk"
pvn info --json one | python3 -c 'import json, sys; json.load(sys.stdin)' || fail "info --json is no JSON"
pvn dmesg | grep -q . || fail "dmesg is empty"
(sleep 2; printf '\035') | timeout 20 pvn console one > /tmp/console || fail "console ends with $?"
grep -aq PING /tmp/console || fail "the console shows nothing"

pvn pause one || fail "pause"
n=$(pv_count one PING); sleep 2
[ "$(pv_count one PING)" -le $((n + 1)) ] || fail "a paused guest runs"
pvn list one | grep -q paused || fail "list does not say paused"
pvn unpause one || fail "unpause"
pv_wait one "PING $((n + 3))" 20

pvn vcpu-set one 1 || fail "vcpu-set 1"
pv_wait one 'CPUS 1' 30
pvn vcpu-set one 2 || fail "vcpu-set 2"
pv_wait one 'CPUS 2' 30
pvn mem-set one 96M || fail "mem-set"
wait_for 30 eval 'pvn list one | grep -qw 96' || fail "the balloon does not move: $(pvn list one)"

pvn block-attach two /tmp/d3.img,raw,xvdb,r || fail "block-attach"
pv_wait two 'DISKS .*xvdb' 30
pvn block-attach one /tmp/d3.img,raw,xvdb,w 2> /tmp/err && fail "a disk in use was given to another guest"
grep -q d3.img /tmp/err && grep -q two /tmp/err || fail "the refusal does not say who has it: $(cat /tmp/err)"
pvn network-attach two '' || fail "network-attach"
pv_wait two 'NETS eth0 eth1' 30
pvn block-detach two xvdb || fail "block-detach"
pvn network-detach two 1 || fail "network-detach"
n=$(pv_count two DISKS)
wait_for 30 eval 'tr -d "\r" < $pv_log/console-two.log | grep -a DISKS | tail -1 | grep -vq "xvdb\|eth1"' ||
    fail "the devices stay: $(tail -1 $pv_log/console-two.log)"

pvn reboot -w one || fail "reboot"
wait_for 60 eval '[ "$(pv_count one GUEST-INIT)" = 2 ]' || fail "the guest does not come up again"
pvn shutdown -w -t 60 one || fail "shutdown"
pv_gone one || fail "it is still listed"
pvn destroy two || fail "destroy"
pv_gone two || fail "it is still listed"
pvn destroy two 2> /tmp/err && fail "a guest that is not there was destroyed"
grep -q two /tmp/err || fail "the message does not name it: $(cat /tmp/err)"
