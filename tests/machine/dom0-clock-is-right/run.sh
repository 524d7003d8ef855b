# dom0's clock agrees with the host's, never goes back, and keeps its pace.
# on: pc1 pc2 q35x4
drift=$(($(date +%s) - HOST_TIME))
say "the clock is $drift s past the start of the machine"
[ $drift -ge -2 ] && [ $drift -lt 400 ] || fail "the clock is $drift s off"
modprobe rtc_cmos 2> /dev/null
wait_for 5 test -e /sys/class/rtc/rtc0/since_epoch || fail "no RTC"
off=$(($(date +%s) - $(cat /sys/class/rtc/rtc0/since_epoch)))
[ $off -ge -2 ] && [ $off -le 2 ] || fail "the clock and the RTC differ by $off s"
python3 - <<'P' || fail "$(cat /tmp/clock)"
import os, sys, time
# Each CPU in turn reads the clock; no reading may precede the one before it.
last = time.clock_gettime(time.CLOCK_MONOTONIC)
cpus = sorted(os.sched_getaffinity(0))
end = last + 2
n = 0
while last < end:
    os.sched_setaffinity(0, {cpus[n % len(cpus)]})
    n += 1
    for _ in range(200):
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        if now < last:
            open("/tmp/clock", "w").write("the clock went back by %.9f s" % (last - now))
            sys.exit(1)
        last = now
P
