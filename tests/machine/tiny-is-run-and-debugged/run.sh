# pvn run's exit codes are the command's; pvn stack names where a dead guest
# stood; gdb's protocol stops a guest at breakpoints and steps it.
# on: host
# secs: 150
. /run/job/files/pv/lib.sh
. /run/job/files/tiny-lib.sh
pv_up

say run
code 0 pvn run -m 8M $tiny_elf -a hello
grep -q 'TINY hello ok' /run/out || fail "no console: $(cat /run/out)"
code 125 pvn run /etc/passwd
grep -q 'no kernel' /run/out || fail "what is no kernel: $(cat /run/out)"
code 125 pvn run $tiny_elf --root /nonexistent
code 2 pvn run $tiny_elf -- true
tiny_root /run/root sh cat
code 7 pvn run -q --root /run/root /srv/guest/vmlinux -- sh -c 'echo hello; exit 7'
grep -q '^hello' /run/out || fail "the command's output: $(cat /run/out)"
code 127 pvn run -q --root /run/root /srv/guest/vmlinux -- nonsense
(sleep 3; printf 'exit 3\n'; sleep 5) | pvn run -q --root /run/root /srv/guest/vmlinux > /run/out 2>&1
[ $? = 3 ] || fail "a shell's exit code: $(tail -3 /run/out)"
want "nothing is left" test "$(pvn list --names)" = Domain-0

say stack
code 125 pvn run -k --name dead -m 8M $tiny_elf -a 'fault how=page'
want "pvn stack" pvn stack dead
pvn stack -s $tiny_elf dead | grep -q 'trap_entry\|guest_shutdown' ||
    fail "no names: $(pvn stack -s $tiny_elf dead | head -20)"
pvn stack -s /etc/passwd dead 2>&1 | grep -q 'neither' || fail "a file without symbols"
pvn stack nobody 2> /dev/null && fail "pvn stack of nobody"
pvn info dead | grep -q 'TINY died' || fail "pvn info shows no last words"
pvn destroy dead

say gdb
tiny_create dbg balloon vcpus=1
tiny_wait dbg 'TINY balloon ready' 30
want "gdb's protocol" python3 /run/job/files/rsp.py dbg /run/job/files/tiny.map
want "it goes on" test "$(pvn list dbg | awk 'NR == 2 { print $5 }')" != paused
pvn mem-set dbg 7M
tiny_wait dbg 'balloon at 7168 KiB' 20
pvn destroy dbg
