# While a guest counts, others crash, spin with events masked, panic, or exhaust
# their memory; it goes on counting, and each of them can be destroyed.
# on: pc2
# secs: 180
xen_up
ticks() { guest_log good | grep -c TICK; }
guest_create good job='n=0; while :; do n=$((n+1)); echo "TICK $n"; sleep 1; done'
guest_wait good TICK 60
guest_create crash kernel=/run/job/files/tiny-crash.elf memory=32
guest_wait_gone crash 20
guest_create panic job='echo c > /proc/sysrq-trigger'
guest_create oom memory=128 job='exec 2>&1; head -c 1G /dev/zero | tail; echo "TAIL $?"; head -c 1G /dev/zero | tail; echo EATEN'
guest_wait_gone panic 60
guest_wait oom 'Out of memory|EATEN|Killed|oom' 90
# Last, because everything takes twice as long beside them.
guest_create spin1 kernel=/run/job/files/tiny-spin.elf memory=32
guest_create spin2 kernel=/run/job/files/tiny-spin.elf memory=32
before=$(ticks)
sleep 6
made=$(($(ticks) - before))
say "$made ticks in 6 s beside two spinning guests"
[ $made -ge 3 ] || fail "only $made ticks in 6 s"
for g in spin1 spin2; do want "xl destroy $g" xl destroy $g; done
guest_is good || fail "the good guest is gone"
