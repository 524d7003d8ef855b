# kill -9 of pvnd in the middle of create and destroy: the next one finishes or undoes
# it; guests that run never notice.
# on: host
# secs: 240
pv_up
truncate -s 16M /tmp/d1.img
pv_config stays 'n=0; while sleep 0.2; do n=$((n + 1)); echo "TICK $n"; done'
pv_config g 'while sleep 1; do :; done' 'disk = ["/tmp/d1.img,raw,xvda,w"]' 'vif = [""]'
pv_create stays
pv_wait stays 'TICK 2' 60
pv_create g
pvn destroy g || fail "destroy"
before=$(pv_state)
killed()
{
    kill -9 $pvnd_pid
    wait $pvnd_pid 2> /dev/null
    pv_start
}
for t in 0.01 0.05 0.1 0.15 0.2 0.3 0.4 0.6; do
    pvn create -q /tmp/g.cfg 2> /dev/null &
    c=$!
    sleep $t
    killed
    wait $c; rc=$?
    if pv_is g; then
        pvn destroy g || fail "destroy after a kill at $t s"
    elif [ $rc = 0 ]; then
        fail "killed after $t s: create said yes and there is no guest"
    fi
    wait_for 20 eval '[ "$(pv_state)" = "$before" ]' || fail "create killed after $t s: before $before, after $(pv_state)"
done
for t in 0.01 0.03 0.06 0.1 0.2; do
    pv_create g
    pvn destroy g 2> /dev/null &
    c=$!
    sleep $t
    killed
    wait $c
    pv_is g && { pvn destroy g || fail "destroy after a kill at $t s"; }
    wait_for 20 eval '[ "$(pv_state)" = "$before" ]' || fail "destroy killed after $t s: before $before, after $(pv_state)"
done
n=$(pv_count stays TICK)
wait_for 20 pv_said stays "TICK $((n + 5))" || fail "the guest that ran on does not"
[ "$(pv_count stays GUEST-INIT)" = 1 ] || fail "it was started again"
