# The store's part in dom0: lines "BENCH daemon name clients value unit". ORDER
# names the daemons; with RINGS the first of them also has the kernel's ring, and
# with GUEST a guest's.
. /run/job/lib.sh
fail() { echo "BENCH-FAIL $*"; exit 1; }
f=/run/job/files sock=/run/xenstored/socket
xen_modules() { modprobe -a xen-gntdev xen-gntalloc xen-evtchn xen-privcmd xenfs; mount -t xenfs xenfs /proc/xen; }

start()
{
    rm -rf $sock /run/paravane /run/store.pid
    case $1 in
    ours) $f/pvstored -p /run/store.pid ;;
    xenstored) xenstored --pid-file /run/store.pid ;;
    oxenstored) oxenstored --pid-file /run/store.pid ;;
    esac || fail "$1 does not start"
    wait_for 20 timeout 5 $f/pvstore -s exists / || fail "$1 does not answer"
    pid=$(cat /run/store.pid)
}
stop()
{
    if [ "$1" = ours ]; then kill "$pid"; else kill -9 "$pid"; fi
    wait_for 20 gone || fail "$1 does not end"
}
gone() { ! kill -0 "$pid" 2> /dev/null; }
lines() { sed -n "s/^[a-z].* [0-9.]* [a-z]/BENCH $1 &/p"; }
# bench DAEMON ARGUMENTS...: a daemon that ends or hangs costs its figures only.
bench()
{
    local who=$1
    shift
    timeout $((120 * SLOW)) $f/bench_store "$@" | lines "$who"
}

# With an empty ring behind the daemon: the kernel's device, then a guest's.
rings()
{
    bench "$1-kernel-ring" -s "$SECS" -d "$pid" -p read,write,tx-5,pipelined /dev/xen/xenbus
    [ -n "$GUEST" ] || return
    xen-init-dom0
    mkdir -p $guest_logs
    xenconsoled --log=guest --log-dir=$guest_logs
    mkdir -p /tmp/b/ && cp $f/bench_store /tmp/b/
    (cd /tmp/b && echo bench_store | busybox cpio -o -H newc 2> /dev/null) > /tmp/extra
    cp /srv/guest/guest-initrd /tmp/bench-initrd
    truncate -s %4 /tmp/bench-initrd
    cat /tmp/extra >> /tmp/bench-initrd
    guest_config g 'ramdisk="/tmp/bench-initrd"' \
        job="for p in read,write,tx-5; do timeout 60 /bench_store -s $SECS -c 8 -p \$p -b data/b /dev/xen/xenbus; done; echo GUEST-END"
    xl create -q /run/g.cfg || { echo "no guest on $1"; return; }
    wait_for 90 guest_said g GUEST-END || guest_log g | tail -3
    guest_log g | lines "$1-guest-ring"
    xl destroy g
}

# Killed with 100,000 nodes: from the new process's main() until it serves.
restart()
{
    $f/bench_store -f 100000 $sock
    kill -9 "$pid"
    $f/pvstored -p /run/store.pid -l /run/restart.log || fail "no restart"
    pid=$(cat /run/store.pid)
    sed -n 's/.*ready in \([0-9]*\) ms, \([0-9]*\) .*/BENCH ours restart-100000-nodes 1 \1 ms\
BENCH ours restart-cpu-100000-nodes 1 \2 ms/p' /run/restart.log | tail -2
}

xen_modules
first=${ORDER%% *}
for who in $ORDER; do
    start $who
    [ $who = $first ] && [ -n "$RINGS" ] && rings $who
    bench $who -s "$SECS" -d "$pid" -n "$NODES" $sock
    [ $who = ours ] && restart
    stop $who
done
bench echo -s "$SECS" echo
echo BENCH-OK
