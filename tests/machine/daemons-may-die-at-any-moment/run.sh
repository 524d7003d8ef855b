# kill -9 of the store, the backends and the console's daemon: pvnd starts them again;
# the guest's disk and network go on without an error, and its data is right.
# on: host
# secs: 240
pv_up
truncate -s 64M /tmp/d1.img
pv_config g 'ip addr add 10.9.0.11/24 dev eth0; ip link set eth0 up
mkfs.ext2 -F /dev/xvda > /dev/null 2>&1 || mke2fs -F /dev/xvda > /dev/null 2>&1; mount /dev/xvda /mnt || echo BAD mount
head -c 1M /dev/urandom > /tmp/data; sum=$(sha256sum < /tmp/data); n=0
while :; do
    n=$((n + 1)); f=/mnt/f$((n % 20))
    dd if=/tmp/data of=$f bs=64k conv=fsync 2> /dev/null || echo BAD write
    echo 3 > /proc/sys/vm/drop_caches
    [ "$(sha256sum < $f)" = "$sum" ] || echo BAD read
    ping -c 1 -W 2 10.9.0.1 > /dev/null && echo PING
    echo "ROUND $n"
done' 'disk = ["/tmp/d1.img,raw,xvda,w"]' 'vif = [""]'
pv_create g
pv_wait g 'ROUND 3' 90
alive()
{
    local n=$(pv_count g ROUND) p=$(pv_count g PING)
    wait_for 60 eval "[ \$(pv_count g ROUND) -ge $((n + 3)) ]" || fail "after the end of $1 the disk stands still"
    wait_for 60 eval "[ \$(pv_count g PING) -ge $((p + 2)) ]" || fail "after the end of $1 the network is gone"
}
alive nothing
for round in 1 2 3; do
    for p in pvblkd pvnetd pvconsoled pvstored; do
        old=$(pidof $p)
        [ -n "$old" ] || fail "$p does not run"
        kill -9 $old
        wait_for 20 eval "[ -n \"\$(pidof $p)\" ] && [ \"\$(pidof $p)\" != \"$old\" ]" || fail "$p is not started again"
        alive $p
    done
done
! pv_said g BAD || fail "the guest saw: $(grep -a BAD $pv_log/console-g.log | head -2)"
pvn info g > /dev/null || fail "pvn info"
pvn shutdown -w -t 60 g || fail "shutdown afterwards"
