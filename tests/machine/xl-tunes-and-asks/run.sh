# What Debian's xl and xentop set holds and is shown, what they send arrives, what
# they ask is answered: placement, share, limit, pools, NMI, sysrq, log.
# on: pc2
# secs: 120
xen_up
guest_create tuned vcpus=2 job='echo UP; while :; do sleep 1; done'
# column NAME N: of the guest's line, as xl's table has it.
place() { xl vcpu-list tuned | awk -v v="$1" 'NR > 1 && $3 == v { print $(NF - 2) $(NF - 1) $NF }'; }

say vcpu-list, vcpu-pin
[ "$(place 0) $(place 1)" = "all/all all/all" ] || fail "vcpu-list at first: $(xl vcpu-list tuned)"
want "vcpu-pin" xl vcpu-pin tuned 0 1 0
want "vcpu-pin of the soft set" xl vcpu-pin tuned 1 - 0
[ "$(place 0) $(place 1)" = "1/0 all/0" ] || fail "vcpu-pin: $(xl vcpu-list tuned)"
is_there() { [ "$(xl vcpu-list tuned | awk 'NR > 1 && $3 == 0 { print $4 }')" = 1 ]; }
wait_for 10 is_there || fail "vCPU 0 is not on CPU 1: $(xl vcpu-list tuned)"
xl vcpu-pin tuned 0 77 2> /dev/null && fail "vcpu-pin to a CPU that is not there"

say sched-credit2
want "sched-credit2" xl sched-credit2 -d tuned -w 512 -c 150
[ "$(xl sched-credit2 -d tuned | awk '$1 == "tuned" { print $3, $4 }')" = "512 150" ] ||
    fail "sched-credit2: $(xl sched-credit2 -d tuned)"
xl sched-credit2 -d tuned -w 0 2> /dev/null && fail "a weight of 0"
xl sched-credit2 -s > /run/out || fail "sched-credit2 -s: $(cat /run/out)"

say cpupool-list
[ "$(xl cpupool-list | awk 'NR > 1 { print $1, $2, $3, $4, $5 }')" = "Pool-0 $CPUS credit2 y 2" ] ||
    fail "cpupool-list: $(xl cpupool-list)"
[ "$(xl cpupool-list -c | awk 'NR > 1 { print $2 }')" = "$(seq -s , 0 $((CPUS - 1)))" ] ||
    fail "cpupool-list -c: $(xl cpupool-list -c)"

say mem-max, xentop
top() { xentop -b -i 1 | awk -v c="$1" '/MAXMEM/ { for (i = 1; i <= NF; i++) if ($i == c) n = i } $1 == "tuned" { print $n }'; }
before=$(top 'MAXMEM(k)')
want "mem-max" xl mem-max tuned 200
after=$(top 'MAXMEM(k)')
[ "$after" -gt "$before" ] && [ "$after" -ge $((200 * 1024)) ] && [ "$after" -lt $((204 * 1024)) ] ||
    fail "mem-max 200: $before KiB, then $after"
[ "$(top VCPUS)" = 2 ] || fail "xentop counts $(top VCPUS) vCPUs"
xentop -b -i 2 -d 1 | grep -c '^ *tuned' | grep -qx 2 || fail "xentop does not show it twice"
xl mem-max tuned 10 2> /dev/null && fail "mem-max below what it has"

say trigger, sysrq
guest_wait tuned UP 60
want "trigger nmi" xl trigger tuned nmi 0
guest_wait tuned 'NMI received' 20
# (xl exits well all the same.)
xl trigger tuned power 2>&1 | grep -q failed || fail "a power button of a PV guest"
xl trigger tuned nmi 77 2>&1 | grep -q failed || fail "an NMI for a vCPU that is not there"
want "sysrq" xl sysrq tuned h
guest_wait tuned 'sysrq: HELP' 20

say uptime, debug-keys, dmesg
[ "$(xl uptime tuned | awk '$1 == "tuned" { print NF }')" -ge 3 ] || fail "uptime: $(xl uptime tuned)"
xl uptime | grep -q '^Domain-0 ' || fail "uptime of the host: $(xl uptime)"
xl dmesg -c > /dev/null || fail "dmesg -c"
[ "$(xl dmesg | wc -l)" -lt 5 ] || fail "dmesg -c does not empty it"
want "debug-keys" xl debug-keys q
[ "$(xl dmesg | wc -l)" -gt 5 ] || fail "debug-keys q says nothing: $(xl dmesg)"
xl dmesg | grep -qE "d$(xl domid tuned)|[Dd]omain $(xl domid tuned)" || fail "debug-keys q does not name the guest"
guest_is tuned || fail "the guest is gone"
