# The benchmark's part in dom0, or on the bare machine: lines "BENCH row value
# unit". MS: how long each micro benchmark repeats; GUESTS: what to try, each as
# VCPUS-TSC_MODE; IDLE_GUESTS: how many (0: none); ROUND_TRIPS: count them (ours);
# MICRO_ONLY: nothing but the micro benchmarks.
. /run/job/lib.sh
exec 3>&1 # where the runner looks, whatever is sent elsewhere
fail() { echo "BENCH-FAIL $*" >&3; exit 1; }

# named PLACE: micro's lines as rows of PLACE.
named() { sed -n "s|^BENCH |BENCH $1/|p"; }

# A compiler over a small C project, once it is in the page cache.
compile() { /run/job/compile/lib/ld-linux-x86-64.so.2 --library-path lib ./cc1 -quiet -O1 $1 -o /tmp/out.s; }
compile_project()
{
    local f t0
    cd /run/job/compile
    compile buf.i
    t0=$(date +%s%N)
    for f in *.i; do compile $f || fail "compile $f"; done
    echo "BENCH dom0/compile $((($(date +%s%N) - t0) / 1000000)) ms"
    cd /
}

/run/job/files/micro -t $MS | named dom0
[ -n "$MICRO_ONLY" ] || compile_project
if [ $SIDE = bare ]; then echo BENCH-OK; exit; fi
xen_up

# What the host loses per guest beyond the guest's own memory, over ten guests.
free_pages() { sleep 2; /run/job/files/free-pages; }
memory_per_guest()
{
    local before i
    before=$(free_pages)
    for i in $(seq 10); do guest_create m$i kernel=/run/job/files/tiny-idle.elf memory=32 > /dev/null; done
    echo "BENCH host/memory-per-guest $(((before - $(free_pages)) * 4 / 10 - 32 * 1024)) KiB"
    guests_destroy_all
}

# The ramdisk of the guests with micro in it.
initrd_with_micro()
{
    mkdir -p /tmp/b && cp /run/job/files/micro /tmp/b/
    (cd /tmp/b && echo micro | busybox cpio -o -H newc 2> /dev/null) > /tmp/extra
    # The second archive has to begin at a multiple of four.
    cp /srv/guest/guest-initrd /tmp/bench-initrd
    truncate -s %4 /tmp/bench-initrd
    cat /tmp/extra >> /tmp/bench-initrd
}

# guest_rounds PLACE VCPUS TSC-MODE: micro in a guest, and how soon its init runs:
# it is made paused, and its console says when it is there.
guest_rounds()
{
    local t0 t1=$SECONDS
    # xl.cfg takes the last of two like settings.
    guest_config g "tsc_mode=\"$3\"" "vcpus=$2" 'ramdisk="/tmp/bench-initrd"' \
        job="/micro -t $MS; echo MICRO-END"
    rm -f $guest_logs/guest-g.log
    xl create -q -p /run/g.cfg || fail "xl create"
    sleep 1
    t0=$(date +%s%N)
    xl unpause g
    until guest_said g GUEST-INIT; do sleep 0.02; done
    echo "BENCH $1/unpause-to-init $((($(date +%s%N) - t0) / 1000000)) ms"
    # Looked at seldom: the guest shares its CPUs with who looks.
    until guest_said g MICRO-END; do
        sleep 2
        [ $((SECONDS - t1)) -lt $((100 * SLOW)) ] || fail "$1 stands still: $(guest_log g | tail -1)"
    done
    guest_log g | named $1
    xl destroy g
}

# The machine at rest with so many stock guests at rest; the runner looks from
# outside at what it uses, and this comes last.
idle_guests()
{
    local i
    for i in $(seq $1); do
        guest_config i$i memory=96 job='sleep 1000000'
        # The real Xen's xl has been seen to hang here, once in some 200 creates.
        timeout 30 xl create -q /run/i$i.cfg || {
            xl destroy i$i
            timeout 30 xl create -q /run/i$i.cfg || fail "xl create i$i"
        }
    done
    for i in $(seq $1); do wait_for 90 guest_said i$i GUEST-INIT || fail "idle guest $i does not start"; done
    sleep 5
    echo BENCH-IDLE
    sleep 15
}

# Per workload: the share of round trips from user mode in which the kernel
# made no hypercall and no instruction of it trapped.
trips_of_dom0()
{
    xl dmesg -c > /dev/null
    xl debug-keys q
    xl dmesg | sed -n 's/.*round trips: d0 \([0-9]*\) of \([0-9]*\).*/\1 \2/p'
}
round_trips()
{
    local w before
    for w in syscall signal pipe fork exec page-fault protection-fault mmap-munmap context-switch-16; do
        before=$(trips_of_dom0)
        /run/job/files/micro -t $MS $w > /dev/null
        echo $before $(trips_of_dom0) |
            awk -v w=$w '$4 > $2 { printf "BENCH trips/%s %.1f %%\n", w, ($3 - $1) * 100 / ($4 - $2) }'
    done
}

[ -n "$MICRO_ONLY" ] || memory_per_guest
initrd_with_micro
for g in $GUESTS; do
    n=${g%-*} mode=${g#*-}
    place=guest$n
    [ $mode = native ] || place=guest$n-tsc-$mode
    guest_rounds $place $n $mode
done
[ $IDLE_GUESTS = 0 ] || idle_guests $IDLE_GUESTS
[ -z "$ROUND_TRIPS" ] || round_trips
echo BENCH-OK
