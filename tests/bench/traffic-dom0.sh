# What disks and network cards carry, in dom0: TOOL=pvn with our backends or
# TOOL=xl with the kernel's; WHAT=block, network, or tiny (the same of the tiny
# guest, and how soon it is there); SECS of each figure. BENCH
# lines of the guests; `cpu-NAME` is what dom0 was busy meanwhile, in 10 ms.
# VARIANTS='OPTIONS|OPTIONS' compares options of our backend in one boot.
. /run/job/lib.sh
fail() { echo "BENCH-FAIL $*"; exit 1; }
io=/run/job/files/iobench
if [ "$TOOL" = pvn ]; then
    . /run/job/files/pv/lib.sh
    pv_up
    say_all() { pv_log_of "$1"; }
    logs=$pv_logs/console
    until ip addr show xenbr0 2> /dev/null | grep -q 10.9.0.1; do sleep 0.2; done
    pv_at_rest
else
    xen_up
    bridge_up
    say_all() { guest_log "$1"; }
    logs=$guest_logs/guest
fi
# The guests' ramdisk with the program behind it; an archive begins at a multiple of four.
mkdir -p /tmp/b && cp $io /tmp/b/
cp /srv/guest/guest-initrd /tmp/initrd
truncate -s %4 /tmp/initrd
(cd /tmp/b && echo iobench | busybox cpio -o -H newc 2> /dev/null) >> /tmp/initrd
guest()
{
    local name=$1
    shift
    guest_config "$name" 'ramdisk="/tmp/initrd"' "$@"
    rm -f "$guest_logs/guest-$name.log"
    "$TOOL" create -q "/run/$name.cfg" || fail "create $name"
}
busy() { awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat; }
# follow GUEST PHASE...: until it has said its END: what dom0 did in each phase.
# (By one program that sleeps: what looks often takes from what is measured.)
follow()
{
    local name=$1 log="$logs-$1.log" this cpu
    shift
    await 240 "$log" '^(PHASE|END)' || fail "$name does not begin: $(tail -3 "$log")"
    while [ $# -gt 0 ]; do
        this=$1 cpu=$(busy)
        echo "PHASE $this"
        shift
        await 120 "$log" "(PHASE ${1:-END}|^END)[[:space:]]*\$" "$log" BENCH-FAIL
        [ $? = 0 ] && ! grep -aq BENCH-FAIL "$log" || fail "$name stands still in $this: $(tail -3 "$log")"
        echo "BENCH cpu-$this $(($(busy) - cpu))"
    done
    await 20 "$log" '^END' || fail "$name does not end"
    say_all "$name" | grep -a '^BENCH'
}
# variant OPTIONS: pvblkd or pvnetd with them from now on; the running one is
# killed, and its successor takes over.
variant()
{
    local program=pvnetd dir=/usr/local/paravane
    [ "$WHAT" = block ] && program=pvblkd
    [ -e $dir/$program.real ] || mv $dir/$program $dir/$program.real
    printf '#!/bin/sh\nexec %s/%s.real %s "$@"\n' $dir $program "$1" > $dir/$program
    chmod 755 $dir/$program
    pkill -9 -x $program
    pkill -9 -x $program.real
    sleep 1
}
up() { echo "ip addr add 10.9.0.$1/24 dev eth0; ip link set eth0 up"; }
if [ "$WHAT" = block ]; then
    disk=$(for d in /dev/vd?; do [ "$(blockdev --getsize64 $d)" = 536870912 ] && echo $d; done | head -1)
    [ -n "$disk" ] || fail "no scratch disk"
    measure()
    {
        guest "$1" "disk=['$disk,raw,xvdb,w']" job="for f in $FIGURES; do
            echo PHASE \$f
            /iobench disk /dev/xvdb \$(echo \$f | tr , ' ')
            done; echo END"
        follow "$1" $FIGURES
    }
elif [ "$WHAT" = tiny ]; then
    $io serve > /dev/null 2>&1 &
    # tiny NAME PROGRAM-AND-OPTIONS LINE: until its console has that line.
    tiny()
    {
        guest_config "$1" kernel=/run/job/files/tiny.elf args="$2" memory=8 'vif=["bridge=xenbr0"]'
        rm -f "$logs-$1.log"
        begin=$(date +%s%N)
        "$TOOL" create -q "/run/$1.cfg" || fail "create $1"
        await 120 "$logs-$1.log" "$3" "$logs-$1.log" 'TINY .*failed|TINY died'
        [ $? = 0 ] && ! grep -aqE 'TINY (.*failed|died)' "$logs-$1.log" || fail "$1: $(tail -3 "$logs-$1.log")"
    }
    # What it said as NAME=NUMBER.
    said() { say_all "$1" | tr ' ' '\n' | sed -n "s,^$2=\([0-9]*\).*,\1,p" | tail -1; }
    # PLACE-stream-STREAMS, PLACE-rtt, by a guest of its own each.
    figure()
    {
        local place=$1 to=10.9.0.1 name=$1-$2 do=send
        [ $place = dom0 ] || to=10.9.0.14
        case $2 in
        rtt) tiny r$name "tcp-bench ip=10.9.0.13 to=$to port=7002 do=rtt secs=$SECS" 'TINY tcp-bench ok'
            echo "BENCH $name-ns $(said r$name ns)" ;;
        *) tiny r$name "tcp-bench ip=10.9.0.13 to=$to port=7001 streams=${2#*-} secs=$SECS" 'TINY tcp-bench ok'
            echo "BENCH $name-MBps $(($(said r$name KiB/s) * 1024 / 1000000))" ;;
        esac
    }
    measure()
    {
        for n in 1 2 3; do
            tiny h$n hello 'TINY begins'
            echo "BENCH create-to-first-line-us $((($(date +%s%N) - begin) / 1000))"
            await 20 "$logs-h$n.log" 'TINY hello ok' || fail "hello does not end"
            say_all h$n | sed -n 's/^TINY begins after \([0-9]*\) us.*/BENCH first-line-us \1/p'
        done
        say_all h1 | sed -n 's/^TINY begins.*, \([0-9]*\) KiB, \([0-9]*\) free.*/\1 \2/p' |
            { read -r all free; echo "BENCH memory-hello-KiB $((all - free))"; }
        tiny a "tcp-echo ip=10.9.0.14 discard=7001 port=7002" 'TINY tcp-echo ready'
        echo "BENCH memory-tcp-KiB $((8192 - $(said a free-kib)))"
        for f in $FIGURES; do
            case $f in
            from-dom0-*) $io stream 10.9.0.14 "$SECS" "${f##*-}" | sed 's/^BENCH /BENCH from-dom0-/' ;;
            *) figure ${f%%-*} ${f#*-} ;;
            esac
        done
    }
else
    $io serve > /dev/null 2>&1 &
    card='vif=["bridge=xenbr0"]'
    guest b "$card" job="$(up 12); /iobench serve"
    # PLACE-WHAT[-STREAMS], by a guest; then what dom0 sends to it.
    measure()
    {
        local theirs=${FIGURES/from-dom0-stream-1/}
        guest "$1" "$card" job="$(up 11)
            for i in \$(seq 50); do ping -c1 -W1 10.9.0.12 > /dev/null && break; done
            ping -c1 10.9.0.1 > /dev/null
            for f in $theirs; do
                echo PHASE \$f
                place=\${f%%-*} what=\${f#*-}
                case \$place in dom0) host=10.9.0.1 ;; *) host=10.9.0.12 ;; esac
                case \$what in *-*) streams=\${what#*-} ;; *) streams= ;; esac
                /iobench \${what%-*} \$host $SECS \$streams | sed \"s/^BENCH /BENCH \$place-/\"
            done; echo END; /iobench serve"
        follow "$1" $theirs
        case $FIGURES in *from-dom0-stream-1*)
            $io stream 10.9.0.11 "$SECS" 1 | sed 's/^BENCH /BENCH from-dom0-/' ;;
        esac
    }
fi
if [ -z "${VARIANTS:-}" ]; then
    measure a
else
    # The same again with each set of options, in one boot, N times.
    for n in $(seq "${REPEAT:-2}"); do
        IFS='|'
        for v in $VARIANTS; do
            unset IFS
            variant "$v"
            runs=$((${runs:-0} + 1))
            measure "a$runs" | sed "s/^BENCH \([^ ]*\)/BENCH \1[${v# }]/; s/ *\]/]/"
            "$TOOL" destroy "a$runs"
            sleep 1
        done
    done
fi
[ "$TOOL" = pvn ] && { for g in $(pvn list --names | grep -vx Domain-0); do pvn destroy $g 2> /dev/null; done; sleep 1; grep -a 'sent .* frames' $pv_log; }
echo BENCH-OK
echo poweroff > /run/end
