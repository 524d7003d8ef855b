# Debian's xentrace has traces made and reads them, xenalyze understands them.
# on: pc2
# secs: 40
xen_up
xentrace -D -e all -T 2 /run/trace.bin 2> /run/err || fail "xentrace: $(cat /run/err)"
[ "$(stat -c %s /run/trace.bin)" -gt 10000 ] || fail "only $(stat -c %s /run/trace.bin) bytes"
xenalyze --dump-all /run/trace.bin > /run/dump 2> /run/err ||
    fail "xenalyze exits with $?: $(tail -3 /run/err) $(tail -2 /run/dump)"
for what in 'd0v[0-9]+ hypercall 1d \(sched_op\) block' 'd0v[0-9]+ hypercall 17 \(iret\)' \
    'd0v[0-9]+ page_fault' 'd0v[0-9]+ runstate_change d0v[0-9]+ running->blocked'; do
    grep -qE "$what" /run/dump || { tail /run/dump; fail "no $what"; }
done
grep -E 'nknown|strange|unexpected' /run/dump /run/err && fail "xenalyze wonders"
# A trace that is over costs nothing: the system takes no more of it.
xentrace -D -e all -T 1 /run/trace2.bin 2> /run/err || fail "a second time: $(cat /run/err)"
xl dmesg | grep -q 'tracing is off' || fail "still on"
exit 0
