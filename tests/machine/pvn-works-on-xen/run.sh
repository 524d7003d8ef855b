# A guest with disk and network card, made by pvn under the real Xen, writes to
# the one and is answered over the other; nothing of it is left at the end.
# on: peer-host
# secs: 120
. /run/job/files/pv/lib.sh
pv_up
before=$(pv_left)
pv_guest a job='ip addr add 10.9.0.11/24 dev eth0; ip link set eth0 up
echo hello | dd of=/dev/xvda conv=sync 2>/dev/null; sync; echo WROTE
while :; do ping -c1 -W1 10.9.0.1 > /dev/null && echo PONG; sleep 1; done'
pvn create -q /run/a.cfg || fail "pvn create"
pv_wait a WROTE 90
pv_wait a PONG 60
want "the guest's write is in its image" grep -q hello /run/a.img
want "pvn shutdown" pvn shutdown -w a
settled() { [ "$before" = "$(pv_left)" ]; }
wait_for 10 settled ||
    fail "left behind: $(diff <(echo "$before") <(pv_left) | grep '^[<>]' | tr '\n' ' ')"
