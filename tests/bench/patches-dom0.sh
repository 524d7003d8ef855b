# The part in dom0 of patches.py: our host domain's guests with each of KERNELS, as
# "number:operation,..." where the number is that of the patches applied. COUNTED
# and TIMED: how often each operation is done with a trace, and without; HOG:
# kernels for the idle guest.
# Lines "BENCH kernel name what value".
. /run/job/lib.sh
fail() { echo "BENCH-FAIL $*"; exit 1; }
. /run/job/files/pv/lib.sh
. /run/job/files/tiny-lib.sh
pv_up

tiny_root /run/root bash
mkdir -p /run/root/proc /run/root/sys
cp /run/job/files/patches-guest /run/root/init
(cd /run/root && find . | busybox cpio -o -H newc 2> /dev/null) > /run/initrd

# guest NAME KERNEL "arguments" [key=value...]: made, paused, with nothing left of
# another of its name.
guest()
{
    local name=$1 kernel=$2 args=$3
    shift 3
    rm -f "$(tiny_log "$name")"
    guest_config "$name" kernel="/run/job/kernels/vmlinux-$kernel" \
        args="console=hvc0 quiet panic=-1 $args" 'ramdisk="/run/initrd"' \
        on_poweroff='"preserve"' on_crash='"preserve"' "$@"
    pvn create -q -p "/run/$name.cfg" || fail "pvn create with kernel $kernel"
}
# its_end NAME SECONDS
its_end()
{
    wait_for "$2" pv_said "$1" 'BENCH-(OK|FAIL)|Kernel panic|Oops' || fail "$1: no end: $(pv_log_of "$1" | tail -5)"
    pv_said "$1" BENCH-OK || fail "$1: $(pv_log_of "$1" | grep -aE -A20 'BENCH-FAIL|panic|Oops|BUG' | head -30)"
    pv_log_of "$1" | grep -aE 'WARNING|multicall' && fail "$1: the kernel complains"
}

# Of a trace: for each piece between marks (twelve times the same call; an interrupt
# may come between), how many hypercalls (those in a multicall go with it) and how
# many instructions that had to be emulated. The first piece is what came before.
count()
{
    awk '
    function out() { print calls, traps; calls = traps = 0 }
    function mark() { if (++marks % 2 == 0 || marks == 1) out(); calls = traps = 0 }
    / lost / { exit 1 }
    / hypercall +xen_version/ { if (++row == 7) mark(); next }
    / hypercall / && !/multicall: / && !/ iret/ { calls++; row = 0 }
    / emulated / { traps++ }
    END { if (!marks) out() }' "$1"
}
# counted KERNEL OPERATIONS: with a trace from the first instruction if the boot is
# among them, else from when it is over.
counted()
{
    local kernel=$1 ops=$2 boot=
    case ,$ops, in *,boot,*) boot=1 ;; esac
    guest c "$kernel" "ops=${ops/boot,/} times=$COUNTED wait=$((2 + SLOW))" memory=256 vcpus=1
    # It does nothing for a while after its boot, and stands still while the trace begins.
    [ -n "$boot" ] || { pvn unpause c; pv_wait c 'BENCH boot' 60; pvn pause c; }
    pvn trace -b 4M c > /run/t.txt 2> /run/t.err &
    sleep $((1 + SLOW / 2))
    pvn unpause c
    its_end c 300
    kill -INT %%
    wait %% || fail "pvn trace: $(cat /run/t.err)"
    [ -s /run/t.err ] && cat /run/t.err
    pv_log_of c | tr -d '\r' | sed -n 's/^BENCH \([a-z-]*\) [0-9]*$/\1/p' > /run/names
    count /run/t.txt > /run/counts || fail "records were lost"
    [ "$(wc -l < /run/names)" = "$(wc -l < /run/counts)" ] ||
        { cut -c23-70 /run/t.txt | sort | uniq -c | sort -rn | head -30; fail "$(wc -l < /run/names) names, $(wc -l < /run/counts) counts"; }
    paste -d' ' /run/names /run/counts | sed -n "${boot:-2},\$p" |
        while read -r name calls traps; do
            echo "BENCH $kernel $name hypercalls $calls"
            echo "BENCH $kernel $name traps $traps"
        done
    pvn destroy c
}
timed()
{
    guest t "$1" "ops=${2/boot,/} times=$TIMED" memory=256 vcpus=1
    pvn unpause t
    its_end t 300
    pv_log_of t | tr -d '\r' | sed -n "s/^BENCH \([a-z-]*\) \([0-9]*\)$/BENCH $1 \1 ns \2/p"
    pvn destroy t
}

# What a guest of 512 MiB keeps from the host: idle, full, idle again.
free_pages() { /run/job/files/free-pages; }
held() { echo "BENCH $1 $2 held-KiB $((($before - $(free_pages)) * 4))"; }
said_idle() { [ "$(pv_log_of h | grep -ac BENCH-IDLE)" -ge "$1" ]; }
hog()
{
    local before
    before=$(free_pages)
    guest h "$1" "ops=hog xen.balloon_report=1" memory=512 vcpus=2
    pvn unpause h
    wait_for 60 said_idle 2 || fail "hog: $(pv_log_of h | tail -3)"
    held "$1" idle
    wait_for 60 pv_said h BENCH-FULL || fail "hog: $(pv_log_of h | tail -3)"
    held "$1" full
    wait_for 60 said_idle 3 || fail "hog: $(pv_log_of h | tail -3)"
    held "$1" idle-again
    its_end h 60
    pv_log_of h | tr -d '\r' | sed -n "s/^BENCH hog \([0-9]*\)$/BENCH $1 hog ns \1/p
        s/^BENCH-IDLE available-KiB \([0-9]*\)$/BENCH $1 hog available-KiB \1/p"
    pvn destroy h
    sleep 1
}

for kernel in $KERNELS; do
    [ "$COUNTED" = 0 ] || counted "${kernel%:*}" "${kernel#*:}"
    [ "$TIMED" = 0 ] || timed "${kernel%:*}" "${kernel#*:}"
done
for kernel in $HOG; do hog "$kernel"; done
echo BENCH-OK
echo poweroff > /run/end
