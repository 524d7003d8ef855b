# Cards of one bridge: those of one VLAN reach each other, those of another do
# not, isolated ones reach only who is not isolated, and with antispoof a card
# sends from its own address only. All of it on the short way between guests and
# on the way through the bridge alike.
# on: host
# soak: yes
# secs: 120
. /run/job/files/pv/lib.sh
pv_up
ip link add xenbr9 type bridge vlan_filtering 1 2> /dev/null
ip link set xenbr9 up
guest_of() # NUMBER EXTRA [job]
{
    guest_config "p$1" "vif=[\"bridge=xenbr9,$2\"]" memory=128 \
        job="ip addr add 10.8.0.$1/24 dev eth0; ip link set eth0 up
try() { for i in 1 2 3 4 5; do ping -c1 -W1 10.8.0.\$1 > /dev/null && { echo SEES \$1; return; }; done; echo MISSES \$1; }
${3:-:}
echo READY; while :; do sleep 100; done"
    pvn create -q "/run/p$1.cfg" || fail "pvn create p$1"
}
guest_of 12 vlan=12
guest_of 13 vlan=13
guest_of 21 isolated=1
guest_of 22 ""
for g in p12 p13 p21 p22; do pv_wait $g READY 60; done
guest_of 11 vlan=12,antispoof=1 'try 12; try 13; try 22; echo FALSE
ip link set eth0 down; ip link set eth0 address 00:16:3e:12:34:56; ip link set eth0 up; try 12'
guest_of 20 isolated=1 'try 21; try 22'
pv_wait p11 READY 60
pv_wait p20 READY 60
first() { pv_log_of p11 | sed '/FALSE/,$d'; }
first | grep -aq 'SEES 12' || fail "VLAN 12: the other card of it is not reached"
first | grep -aq 'MISSES 13' || fail "VLAN 12 reaches VLAN 13"
first | grep -aq 'MISSES 22' || fail "VLAN 12 reaches the bridge's own"
pv_log_of p11 | sed '1,/FALSE/d' | grep -aq 'MISSES 12' || fail "frames from a false address get through"
pv_said p20 'MISSES 21' || fail "isolated cards reach each other"
pv_said p20 'SEES 22' || fail "an isolated card does not reach one that is not"
for n in 11 12 13 20 21 22; do want "pvn destroy" pvn destroy p$n; done
ip link del xenbr9
