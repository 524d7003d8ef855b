# A stock guest that is debugged from outside over ttyS1, panics, is looked at
# again, and dumped onto the last disk; see test.py, which runs the debuggers.
. /run/job/lib.sh
. /run/job/files/pv/lib.sh
. /run/job/files/tiny-lib.sh
fail() { echo "VERDICT-FAIL $*"; exit 1; }
pv_up
tiny_root /run/root sh cat
core=$(ls /dev/vd? | tail -1)
pvn run -k -n dbg -s 2 -m 256M -g /dev/ttyS1 /srv/guest/vmlinux --root /run/root -- sh -c 'echo c > /proc/sysrq-trigger' \
    < /dev/null > /run/run.out 2>&1 &
run=$!
wait_for 30 grep -q ttyS1 /run/run.out || fail "pvn run: $(cat /run/run.out)"
echo HOST-GDB-RUN
wait $run
echo "== its console"
tail -60 /run/run.out
echo "== the end of it"
pvn gdb -p /dev/ttyS1 dbg > /run/gdb.out 2>&1 &
stub=$!
wait_for 30 grep -q ttyS1 /run/gdb.out || fail "pvn gdb: $(cat /run/gdb.out)"
echo HOST-GDB-DEAD
# Its gdb is gone when nothing more comes over the line for a while: the dump
# does not need it to be.
sleep 20
pvn dump dbg "$core" || fail "pvn dump"
sync
echo HOST-CRASH
kill $stub
pvn destroy dbg
echo VERDICT-OK
