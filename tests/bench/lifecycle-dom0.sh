# The life cycle benchmark's part in dom0: the same story for TOOL=pvn and TOOL=xl.
# BENCH lines are microseconds, or KiB where the name says so. With COUNT what a
# create asks for is counted too.
. /run/job/lib.sh
fail() { echo "BENCH-FAIL $*"; exit 1; }
if [ "$TOOL" = pvn ]; then
    . /run/job/files/pv/lib.sh
    pv_up
    said() { pv_said "$@"; }
    console() { pv_log_of "$1"; }
else
    xen_up
    bridge_up
    said() { guest_said "$@"; }
    console() { guest_log "$1"; }
fi
# The distribution's kernel, and nothing that any daemon has seen before: pvnd
# unpacks those of /boot on its own, by content.
(cat /boot/vmlinuz-*; echo) > /run/vmlinuz
full()
{
    truncate -s 16M "/run/$1.img"
    guest_config "$1" "disk=['/run/$1.img,raw,xvda,w']" 'vif=["bridge=xenbr0"]' \
        kernel=/run/vmlinuz 'ramdisk="/srv/guest/guest-initrd"' memory=160 \
        job='echo "BOOTED $(cat /proc/sys/kernel/random/boot_id)"; sleep 1000000'
}
timed()
{
    local name=$1 t0=${EPOCHREALTIME/./}
    shift
    "$@" || fail "$*"
    echo "BENCH $name $((${EPOCHREALTIME/./} - t0))"
}
made() { timed "create-$1" $TOOL create -q /run/x.cfg; }
# Which boot of x is running; another one than $was; and from the order to reboot
# until it is there.
booted() { console x | sed -n 's/.*BOOTED \([-0-9a-f]*\).*/\1/p' | tail -1; }
booted_anew() { local is; is=$(booted); [ -n "$is" ] && [ "$is" != "$was" ]; }
started() { wait_for 60 booted_anew || fail "x does not start"; }
rebooted() { $TOOL reboot x && started; }
# What a create asks for, in one that is not timed: hypercalls of dom0's programs,
# and requests to our store (Debian's does not count them).
hypercall=0x305000 # IOCTL_PRIVCMD_HYPERCALL
trace=/sys/kernel/tracing
store_requests()
{
    pvstore control clients | sed -n 's/.* ring=0 requests=\([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n }'
}
counted()
{
    local requests=0
    mountpoint -q $trace || mount -t tracefs tracefs $trace || fail "no tracefs"
    echo 'p:pv/ioctl xen_privcmd:privcmd_ioctl cmd=%si:u32' > $trace/kprobe_events || fail "no kprobes"
    echo "cmd == $hypercall" > $trace/events/pv/ioctl/filter
    echo 1 > $trace/events/pv/ioctl/enable
    [ "$TOOL" = xl ] || requests=$(store_requests)
    $TOOL create -q /run/x.cfg || fail "create"
    sleep 1
    [ "$TOOL" = xl ] || echo "BENCH create-store-requests $(($(store_requests) - requests - 1))"
    echo 0 > $trace/events/pv/ioctl/enable
    echo "BENCH create-hypercalls $(grep -c ': ioctl:' $trace/trace)"
    echo > $trace/kprobe_events
    $TOOL destroy x || fail "destroy"
}
daemons_pss()
{
    local p sum=0 n
    for p in $(pgrep -x 'xl|xenstored|xenconsoled|pvnd|pvstored|pvnetd|pvblkd|pvconsoled'); do
        n=$(awk '/^Pss:/ { print $2 }' "/proc/$p/smaps_rollup" 2> /dev/null)
        sum=$((sum + ${n:-0}))
    done
    echo $sum
}
used() { echo 3 > /proc/sys/vm/drop_caches; sleep 1; awk '/MemAvailable/ { print -$2 }' /proc/meminfo; }

full x
# Not while it does, and not while the file is so young that it might change unseen.
[ "$TOOL" = xl ] || pv_at_rest
sleep 4
# Made, given a moment to run, destroyed, and at once made again.
made cold
sleep 1
timed destroy $TOOL destroy x
made 1st-warm
was=
started
was=$(booted)
timed reboot rebooted
timed destroy $TOOL destroy x
[ -z "$COUNT" ] || counted
# Nineteen others: most do without devices, which take xl six seconds each. The
# last of those with devices is the 20th itself.
nr_full=$([ "$TOOL" = xl ] && echo 1 || echo 4)
for i in $(seq $((20 - nr_full))); do
    guest_config t$i kernel=/run/job/files/tiny-idle.elf memory=32
    $TOOL create -q /run/t$i.cfg || fail "create t$i"
done
pss=$(daemons_pss) mem=$(used)
for i in $(seq $nr_full); do
    full f$i
    # The others have started: it does not share the CPUs with them.
    if [ $i -lt $nr_full ]; then
        $TOOL create -q /run/f$i.cfg || fail "create f$i"
    else
        timed create-20th-warm $TOOL create -q /run/f$i.cfg
    fi
    wait_for 60 said f$i GUEST-INIT || fail "f$i does not start"
done
sleep 2
echo "BENCH memory-daemons-KiB $((($(daemons_pss) - pss) / nr_full))"
echo "BENCH memory-dom0-KiB $((($(used) - mem) / nr_full))"
timed destroy $TOOL destroy f$nr_full
[ "$TOOL" = xl ] || grep 'guest f.:' $pv_log
echo BENCH-OK
echo poweroff > /run/end
