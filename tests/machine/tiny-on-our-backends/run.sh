# The tiny guest on our host domain: its programs end well, its disk holds what
# was written though the backend is killed meanwhile, its card answers, its
# balloon follows, and nothing of it is left.
# on: host
# secs: 150
. /run/job/files/pv/lib.sh
. /run/job/files/tiny-lib.sh
pv_up
before=$(pv_left)

tiny hello hello && pvn destroy hello
first=$(sed -n 's/^TINY begins after \([0-9]*\) us.*/\1/p' "$(tiny_log hello)")
say "first line after $first us of guest time"
tiny smp smp vcpus=4 && pvn destroy smp
tiny bench bench && pvn destroy bench
grep '^BENCH' "$(tiny_log bench)"

say "bad input"
tiny_fails() # "program and options" what it says
{
    tiny_create bad "$1"
    pv_wait bad "TINY .*failed: $2" 20
    pvn destroy bad 2> /dev/null
}
tiny_fails "blk-verify mib=many" 'mib=many is no number from 1'
tiny_fails "net-echo speed=3" 'no option speed=3, there are: ip='
tiny_fails "nonsense" 'the command line names no program'

say disks
truncate -s 8M /run/t.img
tiny blk blk-verify "disk=['/run/t.img,raw,xvda,w']"
grep 'bad-answers=0' "$(tiny_log blk)" || fail "the disk gave senseless answers"
pvn destroy blk
tiny_create blk2 "blk-verify mib=8 rounds=4 order=0" "disk=['/run/t.img,raw,xvda,w']"
tiny_wait blk2 'TINY blk-verify ready' 30
for _ in 1 2 3; do
    sleep 0.5
    pkill -9 -x pvblkd || break
done
tiny_end blk2 90
grep -q 'bad-answers=0' "$(tiny_log blk2)" || fail "senseless answers after kills"
pvn destroy blk2

say network
tiny_create echo "net-echo ip=10.9.0.77" 'vif=["bridge=xenbr0"]'
tiny_wait echo 'TINY net-echo ready' 30
want "it answers pings" ping -q -c3 -i0.3 -W5 10.9.0.77
want "it answers datagrams" python3 /run/job/files/udp-echo.py 10.9.0.77 100
tiny_end echo 20
grep 'bad=0 dropped=0' "$(tiny_log echo)" || fail "senseless answers: $(tail -1 "$(tiny_log echo)")"
pvn destroy echo

say balloon
tiny_create ball balloon
tiny_wait ball 'TINY balloon ready' 30
pvn mem-set ball 6M
tiny_wait ball 'balloon at 6144 KiB' 20
pvn mem-set ball 8M
tiny_wait ball 'balloon at 8192 KiB' 20
want "shutdown" pvn shutdown -w ball
tiny_wait ball 'TINY balloon ok' 10
pvn destroy ball 2> /dev/null
settled() { [ "$before" = "$(pv_left)" ]; }
wait_for 10 settled || fail "left behind: $(diff <(echo "$before") <(pv_left) | grep '^[<>]' | tr '\n' ' ')"
