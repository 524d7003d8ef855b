# The benchmark's part in dom0: BENCH lines of dom0, then of guests.
. /run/job/lib.sh
fail() { echo "BENCH-FAIL $*"; exit 1; }
/run/job/files/micro | sed 's/^BENCH /BENCH dom0-/'
xen_up
# The host's loss per guest beyond the guest's own memory, over ten guests.
free_pages() { sleep 2; /run/job/files/free-pages; }
before=$(free_pages)
for i in $(seq 10); do guest_create m$i kernel=/run/job/files/tiny-idle.elf memory=32 > /dev/null; done
echo "BENCH guest-overhead-KiB $(((before - $(free_pages)) * 4 / 10 - 32 * 1024))"
for i in $(seq 10); do xl destroy m$i; done
# Unpause to init: the guest is made paused, and its console says when it is there.
for mode in ${TSC_MODES}; do
    guest_config g "tsc_mode=\"$mode\"" 'ramdisk="/tmp/bench-initrd"' \
        job='/micro | sed "s/^BENCH /BENCH guest-/"; echo MICRO-END'
    # xl.cfg takes the last of two like settings.
    if [ ! -f /tmp/bench-initrd ]; then
        mkdir -p /tmp/b && cp /run/job/files/micro /tmp/b/
        (cd /tmp/b && echo micro | busybox cpio -o -H newc 2> /dev/null) > /tmp/extra
        # The second archive has to begin at a multiple of four.
        cp /srv/guest/guest-initrd /tmp/bench-initrd
        truncate -s %4 /tmp/bench-initrd
        cat /tmp/extra >> /tmp/bench-initrd
    fi
    rm -f $guest_logs/guest-g.log
    xl create -q -p /run/g.cfg || fail "xl create"
    sleep 1
    t0=$(date +%s%N)
    xl unpause g
    until guest_said g GUEST-INIT; do sleep 0.02; done
    echo "BENCH guest-unpause-to-init-$mode-ns $(($(date +%s%N) - t0))"
    guest_wait g MICRO-END 120
    guest_log g | grep -a '^BENCH' | sed "s/^BENCH guest-/BENCH guest-$mode-/"
    guest_wait_gone g 30
done
echo BENCH-OK
