# The tiny guest on the kernel's blkback (persistent grants) and netback (two
# queues), made by xl.
# on: pc2
# secs: 120
. /run/job/files/tiny-lib.sh
xen_up
bridge_up
truncate -s 8M /run/t.img
tiny_xl() { # name "program and options" [key=value...]
    local name=$1 program=$2
    shift 2
    guest_create "$name" kernel=/run/job/files/tiny.elf args="$program" \
        memory=8 on_poweroff='"preserve"' on_crash='"preserve"' "$@"
}
tiny_said() { guest_wait "$1" "$2" "$3"; }

tiny_xl blk blk-verify "disk=['/run/t.img,raw,xvda,w']"
tiny_said blk 'TINY blk-verify (ok|failed)|TINY died' 60
guest_log blk | grep 'TINY blk-verify ok.*bad-answers=0' || fail "$(guest_log blk | tail -3)"
guest_log blk | grep -q persistent || fail "no persistent grants with blkback"
xl destroy blk

tiny_xl blk2 "blk-verify persistent=0 order=0" "disk=['/run/t.img,raw,xvda,w']"
tiny_said blk2 'TINY blk-verify (ok|failed)|TINY died' 60
guest_log blk2 | grep 'TINY blk-verify ok.*bad-answers=0' || fail "$(guest_log blk2 | tail -3)"
xl destroy blk2

tiny_xl echo "net-echo ip=10.9.0.78 queues=2 buffers=64" 'vif=["bridge=xenbr0"]'
tiny_said echo 'TINY net-echo ready|TINY died' 30
want "it answers pings" ping -q -c3 -i0.3 -W5 10.9.0.78
want "it answers datagrams" python3 /run/job/files/udp-echo.py 10.9.0.78 100
tiny_said echo 'TINY net-echo ok' 20
guest_log echo | grep 'bad=0 dropped=0' || fail "$(guest_log echo | tail -1)"
