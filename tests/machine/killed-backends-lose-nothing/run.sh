# kill -9 of the disks' and the network's backends, fifty times (in a soak a
# thousand), while tiny guests write, check and echo: no request fails, no block
# holds anything but what was written last, no frontend has to connect again. One
# of the disks holds writes back. In a soak two stock guests are there too, whose
# connections with dom0 and each other do not break. A lock on an image is free
# only when the last request of a killed process has ended: that is what keeps
# an old write from landing on a newer one.
# on: host
# secs: 300
# long: 3600
. /run/job/files/pv/lib.sh
. /run/job/files/tiny-lib.sh
pv_up
io=/run/job/files/iobench
modprobe -a dm-delay loop || skip "no dm-delay"

# --- what all stands on: the lock of a killed process with a write under way
truncate -s 8M /run/slow.img
truncate -s 1M /run/fast.img
loop=$(losetup -f --show /run/slow.img) && fast=$(losetup -f --show /run/fast.img) || fail "losetup"
delay() { timeout $((20 * SLOW)) dmsetup --noudevsync "$1" slow --table "0 16384 delay $loop 0 0 $loop 0 $2"; }
delay create 2000 || fail "dmsetup"
dmsetup mknodes slow # nobody else does, without udev
proof=$(timeout $((30 * SLOW)) $io lockproof /dev/mapper/slow) || fail "the lock was free before the write had ended: $proof"
[ "${proof##* }" -gt 200000 ] || fail "the write was not under way: $proof"
say "$proof"
dmsetup --noudevsync suspend slow && delay reload 100 && dmsetup --noudevsync resume slow || fail "dmsetup reload"

# --- guests at work
begins() { tiny_wait "$1" "TINY $2 ready" 60; say "$1 is at work"; }
tiny_create echo "net-echo ip=10.9.0.77" 'vif=["bridge=xenbr0"]'
begins echo net-echo
tiny_create slow "blk-verify rounds=0 mib=1" "disk=['/dev/mapper/slow,raw,xvda,w']"
begins slow blk-verify
tiny_create fast "blk-verify rounds=0 mib=1" "disk=['$fast,raw,xvda,w']"
begins fast blk-verify
child_of() { echo "pvblkd-$(pvn list --json "$1" | sed -n 's/.*"domid": \([0-9]*\).*/\1/p' | head -1)"; }
children=(pvnetd "$(child_of fast)" "$(child_of slow)")
stock_up()
{
    mkdir -p /tmp/b && cp $io /tmp/b/ && cp /srv/guest/guest-initrd /tmp/initrd
    truncate -s %4 /tmp/initrd
    (cd /tmp/b && echo iobench | busybox cpio -o -H newc 2> /dev/null) >> /tmp/initrd
    truncate -s 16M /run/g.img
    $io serve > /dev/null 2>&1 &
    up() { echo "ip addr add 10.9.0.$1/24 dev eth0; ip link set eth0 up"; }
    guest_config h 'vif=["bridge=xenbr0"]' 'ramdisk="/tmp/initrd"' job="$(up 12); /iobench serve"
    guest_config g 'ramdisk="/tmp/initrd"' 'vif=["bridge=xenbr0"]' "disk=['/run/g.img,raw,xvda,w']" job="$(up 11)
p=; run() { (/iobench \$* || echo BAD \$*) 2>&1 & p=\"\$p \$!\"; }
until ping -c1 -W1 10.9.0.12 > /dev/null; do :; done
run verify /dev/xvda 9999
run rtt 10.9.0.1 9999; run rtt 10.9.0.12 9999
echo AT-WORK
until ping -c1 -W1 10.9.0.78 > /dev/null; do sleep 1; done
killall -TERM iobench; wait \$p; echo DONE; sleep 9999"
    pvn create -q /run/h.cfg || fail "pvn create h"
    pvn create -q /run/g.cfg || fail "pvn create g"
    pv_wait g AT-WORK 60
    children+=("$(child_of g)")
}
[ -z "${CYCLES:-}" ] || stock_up

python3 kills.py 10.9.0.77 "${CYCLES:-50}" "${children[@]}" 2> /run/kills.err || {
    pv_trouble echo
    fail "$(tail -1 /run/kills.err)"
}

read -r pid _ < /run/paravane/children/pvnetd
grep -q '^Uid:.988.988.988.988' "/proc/$pid/status" || fail "pvnetd is not a user of its own: $(grep Uid "/proc/$pid/status")"
read -r pid _ < "/run/paravane/children/$(child_of fast)"
grep -q '^Uid:.987.987.987.987' "/proc/$pid/status" || fail "pvblkd is not a user of its own: $(grep Uid "/proc/$pid/status")"
[ "$(grep -c '^Cap[PEIA][a-z]*:.0*$' "/proc/$pid/status")" = 4 ] || fail "pvblkd has capabilities: $(grep Cap "/proc/$pid/status")"

# --- what they saw
for g in fast slow; do
    want "pvn shutdown" pvn shutdown $g
    tiny_end $g 60
    echo "NOTE disk $g: $(grep -a 'TINY blk-verify ok' "$(tiny_log $g)" | cut -d' ' -f4-)"
    grep -aq 'bad-answers=0 connects=1 ' "$(tiny_log $g)" || fail "the disk $g had to connect again, or gave senseless answers"
done
python3 /run/job/files/udp-echo.py 10.9.0.77 10 || fail "the network after the kills"
tiny_end echo 20
grep -aq 'bad=0 .*connects=1' "$(tiny_log echo)" || fail "the card: $(tail -1 "$(tiny_log echo)")"
if [ -n "${CYCLES:-}" ]; then
    ip addr add 10.9.0.78/24 dev xenbr0
    pv_wait g DONE 90
    ip addr del 10.9.0.78/24 dev xenbr0
    pv_log_of g | grep -a BENCH
    ! pv_said g BAD || fail "the guest saw: $(pv_log_of g | grep -a 'BAD\|FAIL' | head -3)"
    pv_said g 'BENCH verify-bad 0' || fail "blocks held what was not written last"
    kill $!
fi
pv_destroy_all
dmsetup --noudevsync remove slow
losetup -d "$loop" "$fast"
