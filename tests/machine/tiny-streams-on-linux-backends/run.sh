# The tiny guest's TCP on the kernel's netback, which cuts its segments and sums
# them up, or only carries them.
# on: pc2
# secs: 90
. /run/job/files/tiny-lib.sh
tiny_wants_tcp
xen_up
bridge_up
echo_py="python3 /run/job/files/tcp-echo.py 10.9.0.79"
for options in "" "checksums=0 buffers=64"; do
    guest_create tcp kernel=/run/job/files/tiny.elf args="tcp-echo ip=10.9.0.79 $options" \
        memory=8 'vif=["bridge=xenbr0"]'
    guest_wait tcp 'TINY tcp-echo ready|TINY (died|.*failed)' 30
    want "what is sent comes back ($options)" $echo_py 4 2
    $echo_py 0 0
    guest_wait tcp 'TINY tcp-echo ok' 20
    guest_log tcp | grep 'lost=0 ' || fail "lost streams: $(guest_log tcp | tail -1)"
    guest_wait_gone tcp 20
done
