# The store's part in dom0: lines "BENCH daemon name clients value unit". ORDER
# names the daemons. Each has the socket, then, with RINGS, dom0's kernel's ring, and
# with GUEST that of a guest, which the first of them introduces and the others take
# over: while none is there the guest is paused, and nothing is in a ring that is empty.
. /run/job/lib.sh
fail() { echo "BENCH-FAIL $*"; exit 1; }
f=/run/job/files sock=/run/xenstored/socket
ring_points==read,=write,=directory,=tx-5-writes
xen_modules() { modprobe -a xen-gntdev xen-gntalloc xen-evtchn xen-privcmd xenfs; mount -t xenfs xenfs /proc/xen; }
# A daemon that hangs costs its figures only.
store() { timeout 10 $f/pvstore -s "$@"; }

start()
{
    rm -rf $sock /run/paravane /run/store.pid
    case $1 in
    ours) $f/pvstored -p /run/store.pid ;;
    xenstored) xenstored --pid-file /run/store.pid ;;
    oxenstored) oxenstored --pid-file /run/store.pid ;;
    esac || fail "$1 does not start"
    wait_for 20 store exists / || fail "$1 does not answer"
    pid=$(cat /run/store.pid)
}
stop()
{
    if [ "$1" = ours ]; then kill "$pid"; else kill -9 "$pid"; fi
    wait_for 20 gone || fail "$1 does not end"
}
gone() { ! kill -0 "$pid" 2> /dev/null; }
lines() { sed -n "s/^[a-z].* [0-9.]* [a-z]/BENCH $1 &/p"; }
# bench DAEMON ARGUMENTS...: one that ends or hangs costs its figures only.
bench()
{
    local who=$1
    shift
    timeout $((120 * SLOW)) $f/bench_store "$@" | lines "$who"
}

# guest_make: a guest that does nothing but measure when it is told to. Nobody
# reads its console or waits for its end: that would be one more client.
guest_make()
{
    local console
    xen-init-dom0
    xenconsoled --pid-file=/run/console.pid
    (cd $f && echo bench_store | busybox cpio -o -H newc 2> /dev/null) > /tmp/extra
    cp /srv/guest/guest-initrd /tmp/bench-initrd
    truncate -s %4 /tmp/bench-initrd
    cat /tmp/extra >> /tmp/bench-initrd
    guest_config g 'ramdisk="/tmp/bench-initrd"' \
        job="/bench_store -s $SECS -c 32 -p $ring_points -b data/b -g data/go /dev/xen/xenbus"
    timeout $((60 * SLOW)) xl create -qe /run/g.cfg || { echo "no guest on $1"; GUEST=; return; }
    guest=$(xl domid g)
    gfn=$(store read "/local/domain/$guest/store/ring-ref")
    port=$(store read "/local/domain/$guest/store/port")
    console=$(cat /run/console.pid)
    kill "$console"
}

# To a daemon that has never heard of it.
guest_introduce()
{
    local home=/local/domain/$guest
    store write "$home" "" "$home/data" ""
    store chmod "$home" n0 "r$guest"
    store chmod "$home/data" "n$guest"
    python3 - "$guest" "$gfn" "$port" <<'P'
import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect("/run/xenstored/socket")
payload = b"".join(a.encode() + b"\0" for a in sys.argv[1:])
s.sendall(struct.pack("<IIII", 8, 1, 0, len(payload)) + payload)
reply = s.recv(4096)
assert reply[:4] == b"\x08\0\0\0", reply
P
}

guest_figures() { store read "/local/domain/$guest/data/go-said" > /tmp/said 2> /dev/null; }
guest_bench()
{
    if [ -z "$guest" ]; then
        guest_make "$1"
    else
        guest_introduce && xl unpause "$guest"
    fi
    [ -n "$guest" ] || return
    store write "/local/domain/$guest/data/go" "$1"
    if wait_for 60 guest_figures; then
        sed 's/\\n/\n/g' /tmp/said | lines "$1-guest-ring"
    else
        echo "the guest does not measure $1"
        GUEST= # nor will it the next ones
    fi
    xl pause "$guest"
    sleep 0.5
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
guest=
for who in $ORDER; do
    echo "$who after $(cut -d' ' -f1 /proc/uptime) s"
    bench echo -s "$SECS" echo
    start $who
    bench $who -s "$SECS" -d "$pid" -n "$NODES" $sock
    [ -z "$RINGS" ] || bench $who-kernel-ring -s "$SECS" -d "$pid" -c 32 -p $ring_points,pipelined /dev/xen/xenbus
    [ -z "$GUEST" ] || guest_bench $who
    [ $who = ours ] && restart
    stop $who
done
echo BENCH-OK
