# The tiny guest is saved to a file and restored from it, and saved while it goes
# on; its streams go on, and what its disk holds is what it wrote.
# soak-on: pc2
# secs: 240
. /run/job/files/tiny-lib.sh
tiny_wants_tcp
xen_up
bridge_up
saved=/run/tiny.save
tiny_xl() # name program-and-options [key=value...]
{
    local name=$1 program=$2
    shift 2
    guest_create "$name" kernel=/run/job/files/tiny.elf args="$program" memory=8 "$@"
}

say streams
tiny_xl tcp "tcp-echo ip=10.9.0.79" 'vif=["bridge=xenbr0"]'
guest_wait tcp 'TINY tcp-echo ready|TINY (died|.*failed)' 30
python3 /run/job/files/tcp-echo.py 10.9.0.79 3 6 > /run/out 2>&1 &
streams=$!
sleep 1
want "it is saved and goes on" xl save -c tcp $saved
guest_wait tcp 'TINY goes on, not suspended' 20
sleep 1
want "it is saved" xl save tcp $saved
want "it is restored" xl restore $saved
guest_wait tcp 'TINY goes on[[:space:]]*$' 20
wait $streams || fail "streams of a restored guest: $(cat /run/out)"
cat /run/out
python3 /run/job/files/tcp-echo.py 10.9.0.79 0 0
guest_wait tcp 'TINY tcp-echo ok.* lost=0 ' 20

say disk
truncate -s 8M /run/t.img
tiny_xl blk "blk-verify mib=8 rounds=0" "disk=['/run/t.img,raw,xvda,w']"
guest_wait blk 'TINY blk-verify ready|TINY (died|.*failed)' 30
want "it is saved" xl save blk $saved
want "it is restored" xl restore $saved
guest_wait blk 'TINY goes on[[:space:]]*$' 20
sleep 1
want "it is powered off" xl shutdown -w blk
guest_wait blk 'TINY blk-verify ok.*bad-answers=0.*connects=2' 20
rm -f $saved
