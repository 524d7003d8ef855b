# kill -9 of the store, the backends and the consoles' daemon: pvnd starts them
# again; the guest's disk and network go on without an error, its data is right.
# on: host
# soak-on: peer-host
# secs: 480
# long: 2000
. /run/job/files/pv/lib.sh
pv_up
truncate -s 64M /run/g.img
pv_guest g job='ip addr add 10.9.0.11/24 dev eth0; ip link set eth0 up
mke2fs -F /dev/xvda > /dev/null 2>&1; mount -t ext4 /dev/xvda /mnt || echo BAD mount
head -c 256k /dev/urandom > /tmp/data; sum=$(sha256sum < /tmp/data); n=0
while :; do
    n=$((n + 1)); f=/mnt/f$((n % 20))
    dd if=/tmp/data of=$f bs=64k conv=fsync 2> /dev/null || echo BAD write
    echo 3 > /proc/sys/vm/drop_caches
    [ "$(sha256sum < $f)" = "$sum" ] || echo BAD read
    ping -c 1 -W 2 10.9.0.1 > /dev/null && echo "PING $n"
    echo "ROUND $n"
done'
# What is under way in round N + 1 may be of before; N + 2 is not.
alive()
{
    local n
    n=$(pv_log_of g | tr -d '\r' | sed -n 's/^ROUND \([0-9]*\)$/\1/p' | tail -1)
    await 60 $pv_logs/console-g.log "^ROUND ($((n + 2))|$((n + 3)))" || fail "after the end of $1 the disk stands still"
    await 60 $pv_logs/console-g.log "^PING ($((n + 2))|$((n + 3))|$((n + 4))|$((n + 5))|$((n + 6)))" ||
        fail "after the end of $1 the network is gone"
}
pvn create -q /run/g.cfg || fail "pvn create"
pv_wait g 'ROUND 3' 90
alive nobody
pid() { cut -d' ' -f1 /run/paravane/children/"$1"; }
restarted() { local now; now=$(pid "$1" 2> /dev/null) && [ "$now" != "$2" ] && [ -d "/proc/$now" ]; }
block=$(basename "$(ls /run/paravane/children/pvblkd*)")
for round in $(seq $((${CYCLES:-100} / 50))); do
    for p in "$block" pvnetd pvconsoled pvstored; do
        old=$(pid "$p")
        kill -9 "$old" || fail "$p does not run"
        wait_for 20 restarted "$p" "$old" || fail "$p is not started again"
        alive "$p"
    done
done
! pv_said g BAD || fail "the guest saw: $(pv_log_of g | grep -a BAD | head -2)"
want "pvn shutdown afterwards" pvn shutdown -w g
