# Two guests with disk and network card, made by pvn, run; each verb does to
# them what its page says; nothing of them is left at the end.
# on: host
# soak-on: peer-host
# secs: 300
. /run/job/files/pv/lib.sh
pv_up
before=$(pv_left)
pv_guest a vcpus=2 job='ip addr add 10.9.0.11/24 dev eth0; ip link set eth0 up
echo hello | dd of=/dev/xvda conv=sync 2>/dev/null; sync; echo WROTE
while :; do ping -c1 -W1 10.9.0.1 > /dev/null && echo PONG; grep -c ^processor /proc/cpuinfo | sed s/^/CPUS=/; ls /sys/block | grep -c xvd | sed s/^/DISKS=/; ls /sys/class/net | grep -c eth | sed s/^/NICS=/; sleep 1; done'
pv_guest b job='while :; do sleep 1; done'
pvn create -q /run/a.cfg || fail "pvn create a"
pvn create -q /run/b.cfg || fail "pvn create b"
want "pvn list" test "$(pvn list --names | sort | tr '\n' ' ')" = "Domain-0 a b "
want "list --json is JSON" python3 -c 'import json,os; l=json.load(os.popen("pvn list --json")); assert {g["name"] for g in l} == {"Domain-0","a","b"}'
pv_wait a WROTE 90
pv_wait a PONG 60
want "the guest's write is in its image" grep -q hello /run/a.img
pvn info a | grep -q 'disk .*connected' || fail "pvn info does not show the disk connected"
(sleep 4; printf '\035') | timeout 20 pvn console a | grep -aq PONG || fail "pvn console shows nothing"

say devices
truncate -s 8M /run/more.img
want "block-attach" pvn block-attach a /run/more.img,raw,xvdb,r
want "network-attach" pvn network-attach a bridge=xenbr0
pv_wait a DISKS=2 30
pv_wait a NICS=2 30
pvn block-attach b /run/more.img,raw,xvdb,w 2> /run/err && fail "a disk in use was attached"
grep -q 'in use by' /run/err || fail "the refusal says: $(cat /run/err)"
want "block-detach" pvn block-detach a xvdb
want "network-detach" pvn network-detach a 1

say tuning
want "vcpu-set" pvn vcpu-set a 1
pv_wait a CPUS=1 30
want "mem-set" pvn mem-set a 120M
shrunk() { [ "$(pvn list a | awk 'NR == 2 { print $3 }')" -le 121 ]; }
wait_for 30 shrunk || fail "mem-set did not shrink it: $(pvn list a | tail -1)"
want "pause" pvn pause a
want "list says paused" test "$(pvn list a | awk 'NR == 2 { print $5 }')" = paused
want "unpause" pvn unpause a
pvn top -n 1 -d 1 | grep -q '^a ' || fail "pvn top"
pvn dmesg | grep -q . || fail "pvn dmesg is empty"
pvn debug-keys h || fail "pvn debug-keys"

say ends
id=$(pvn list a | awk 'NR == 2 { print $2 }')
want "reboot" pvn reboot -w a
again() { [ "$(pvn list a | awk 'NR == 2 { print $2 }')" -gt "$id" ] 2> /dev/null; }
wait_for 60 again || fail "it did not start again"
want "shutdown" pvn shutdown -w b
wait_for 20 pv_gone b || fail "b is still there"
want "destroy" pvn destroy a
settled() { [ "$before" = "$(pv_left)" ]; }
wait_for 10 settled || {
    pvstore tree /
    fail "left behind: $(diff <(echo "$before") <(pv_left) | grep '^[<>]' | tr '\n' ' ')"
}
