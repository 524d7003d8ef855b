# kill -9 of the disks' and the network's backend, a thousand times, while the guest
# writes and checks blocks, also through a device that holds writes back for a
# quarter of a second, and talks to dom0 and to another guest: no request fails,
# no block holds anything but what was written last, no connection breaks. A lock
# on an image is free only when the last request of a killed process has ended:
# that is what keeps an old write from landing on a newer one.
# on: host
# soak: yes
# secs: 2400
. /run/job/files/pv/lib.sh
pv_up
io=/run/job/files/iobench
modprobe -a dm-delay loop || skip "no dm-delay"

# --- what all stands on: the lock of a killed process with a write under way
truncate -s 8M /run/slow.img
loop=$(losetup -f --show /run/slow.img) || fail "losetup"
say "a loop device: $loop"
delay() { timeout 60 dmsetup --noudevsync "$1" slow --table "0 16384 delay $loop 0 0 $loop 0 $2"; }
delay create 2000 || fail "dmsetup"
dmsetup mknodes slow # nobody else does, without udev
say "a slow one: $(dmsetup table slow)"
timeout $((30 * SLOW)) $io lockproof /dev/mapper/slow > /run/proof || fail "the lock was free before the write had ended: $(tail -1 /run/proof)"
say "$(cat /run/proof)"
dmsetup --noudevsync suspend slow && delay reload 250 && dmsetup --noudevsync resume slow || fail "dmsetup reload"

# --- guests at work
mkdir -p /tmp/b && cp $io /tmp/b/ && cp /srv/guest/guest-initrd /tmp/initrd
truncate -s %4 /tmp/initrd
(cd /tmp/b && echo iobench | busybox cpio -o -H newc 2> /dev/null) >> /tmp/initrd
truncate -s 16M /run/g.img
pkill -x iobench
$io serve > /dev/null 2>&1 &
up() { echo "ip addr add 10.9.0.$1/24 dev eth0; ip link set eth0 up"; }
guest_config h 'vif=["bridge=xenbr0"]' 'ramdisk="/tmp/initrd"' job="$(up 12); /iobench serve"
guest_config g 'ramdisk="/tmp/initrd"' 'vif=["bridge=xenbr0"]' vcpus=2 \
    "disk=['/run/g.img,raw,xvda,w','/dev/mapper/slow,raw,xvdb,w']" job="$(up 11)
p=; run() { (/iobench \$* || echo BAD \$*) 2>&1 & p=\"\$p \$!\"; }
until ping -c1 -W1 10.9.0.12 > /dev/null; do :; done
run verify /dev/xvda 9999; run verify /dev/xvdb 9999
run rtt 10.9.0.1 9999; run rtt 10.9.0.12 9999
echo AT-WORK
until ping -c1 -W1 10.9.0.77 > /dev/null; do sleep 1; done
killall -TERM iobench; wait \$p; echo DONE"
pvn create -q /run/h.cfg || fail "pvn create h"
pvn create -q /run/g.cfg || fail "pvn create g"
pv_wait g AT-WORK 60
domid=$(pvn list --json g | sed -n 's/.*"domid": \([0-9]*\).*/\1/p' | head -1)
child() { cut -d' ' -f1 /run/paravane/children/"$1" 2> /dev/null; }
block=$(for f in /run/paravane/children/pvblkd*; do grep -q . "$f" && basename "$f"; done | grep -e "[^0-9]$domid\$" | head -1)
[ -n "$block" ] || fail "no pvblkd for guest $domid: $(ls /run/paravane/children)"
runs() { local now; now=$(child "$1") && [ "$now" != "$2" ] && [ -d "/proc/$now" ]; }
kills=${CYCLES:-1000}
for i in $(seq "$kills"); do
    [ $((i % 10)) = 0 ] && say "$i kills"
    p=$block; [ $((i % 2)) = 0 ] && p=pvnetd
    old=$(child $p)
    sleep "0.$((RANDOM % 9 + 1))"
    kill -9 "$old" || fail "$p does not run"
    wait_for 20 runs $p "$old" || fail "$p is not started again"
    pv_said g BAD && break
done
ip addr add 10.9.0.77/24 dev xenbr0
pv_wait g DONE 90
ip addr del 10.9.0.77/24 dev xenbr0
pv_log_of g | grep -a BENCH
! pv_said g BAD || fail "the guest saw: $(pv_log_of g | grep -a 'BAD\|FAIL' | head -3)"
[ "$(pv_log_of g | grep -ac 'BENCH verify-bad 0')" = 2 ] || fail "blocks held what was not written last"
want "pvn destroy" pvn destroy g
want "pvn destroy" pvn destroy h
dmsetup --noudevsync remove slow
losetup -d "$loop"
