# What the tiny guest does so and so often is in its trace so often, on our
# hypervisor and on Xen; two do not trace at once; a pvn that is killed leaves
# nothing on.
# on: host peer-host
# secs: 120
. /run/job/files/pv/lib.sh
. /run/job/files/tiny-lib.sh
pv_up
ours=
pvn dmesg | grep -q Paravane && ours=1
seen() { grep -cE "$1" /run/t.txt; }
# traced "options of pvn trace": bench from its first instruction to its last
traced()
{
    guest_config bench kernel=$tiny_elf args=bench memory=8 \
        on_poweroff='"preserve"' on_crash='"preserve"'
    rm -f "$(tiny_log bench)"
    pvn create -q -p /run/bench.cfg || fail "pvn create"
    pvn trace $1 bench > /run/t.txt 2> /run/t.err &
    tracer=$!
    sleep 1
    kill -0 $tracer || fail "pvn trace: $(cat /run/t.err)"
    code 5 pvn trace -s 1 bench
    pvn unpause bench
    tiny_end bench 60
    kill -INT $tracer
    wait $tracer || fail "pvn trace ends with $?: $(cat /run/t.err)"
    grep '^BENCH' "$(tiny_log bench)"
    pvn destroy bench
}

say "without a trace"
tiny bench bench && grep '^BENCH' "$(tiny_log bench)"
pvn destroy bench
say text
traced "-b 2M"
[ -s /run/t.err ] && fail "pvn trace says: $(cat /run/t.err)"
head -3 /run/t.txt
for what in 'exception +breakpoint' 'sched_op yield'; do
    [ "$(seen "$what")" = 501 ] || fail "$(seen "$what") times $what, not 501"
done
# Xen has to do RDTSC, too, where the TSC is not a steady one.
[ "$(seen 'emulated +privileged instruction')" -ge 501 ] || fail "CR4 read"
[ "$(seen 'xen_version')" -ge 1002 ] || fail "$(seen xen_version) times xen_version"
[ "$(seen 'event_channel_op')" -ge 1002 ] || fail "sends"
[ "$(seen 'update_va_mapping')" -ge 501 ] || fail "update_va_mapping"
[ "$(seen 'sched_op shutdown')" = 1 ] || fail "sched_op shutdown"
[ -z "$ours" ] || { [ "$(seen 'event +upcall')" -ge 501 ] && [ "$(seen 'event +port')" -ge 1002 ]; } ||
    fail "$(seen 'event +upcall') upcalls, $(seen 'event +port') events"
awk '$1 < last { exit 1 } { last = $1 }' /run/t.txt || fail "times go back"
rate() { tail -1 /run/t.txt; }
say "$(wc -l < /run/t.txt) records; the last: $(rate)"

say file
traced "-o /run/t.json"
grep -q 2048 /run/t.err || fail "buffers of another size: $(cat /run/t.err)"
python3 - /run/t.json << 'END' || fail "the file"
import collections, json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
names = collections.Counter(e.get("name") for e in events)
phases = collections.Counter(e["ph"] for e in events)
print(dict(phases))
assert names["breakpoint"] == 501, names
assert phases["B"] == phases["E"] > 0
assert [e["ts"] for e in events[1:]] == sorted(e["ts"] for e in events[1:])
END

say "bad input"
code 3 pvn trace nobody
code 2 pvn trace -s never bench
code 2 pvn trace -b 8M bench
tiny_create idle balloon vcpus=1
tiny_wait idle 'TINY balloon ready' 30
guest_config still kernel=$tiny_elf args=hello memory=8
pvn create -q -p /run/still.cfg
code 0 pvn trace -s 0.2 still
grep -q 'nothing of still was recorded' /run/out || fail "$(cat /run/out)"
pvn destroy still
code 1 pvn trace -s 1 -o /nonexistent/file idle
pvn trace idle > /run/out 2>&1 &
tracer=$!
sleep 1
kill -9 $tracer
off() { [ "$(pvn dmesg | grep -c 'tracing is on')" = "$(pvn dmesg | grep -c 'tracing is off')" ]; }
[ -z "$ours" ] || wait_for 5 off || fail "tracing is on: $(pvn dmesg | grep tracing)"
again() { pvn trace -s 0.2 idle > /run/out 2>&1; }
wait_for 5 again || fail "after a kill: $(cat /run/out)"
pvn trace idle > /run/out 2>&1 &
tracer=$!
sleep 1
pvn destroy idle
wait $tracer || fail "exit $? when its guest ends"
grep -q 'idle has ended' /run/out || fail "a guest that ends: $(tail -3 /run/out)"
