# pvnd may be killed while a guest is made or destroyed: the next one undoes
# the first and finishes the second. Guests and daemons do not notice.
# on: host
# soak-on: peer-host
# secs: 400
. /run/job/files/pv/lib.sh
pv_up
pv_guest calm job='n=0; while :; do n=$((n+1)); echo "TICK $n"; sleep 1; done'
pv_guest victim
pvn create -q /run/calm.cfg || fail "pvn create"
pv_wait calm 'TICK 2' 90
as_before() { [ "$before" = "$(pv_left)" ]; }
before=$(pv_left)
daemons=$(cat /run/paravane/children/*)
check()
{
    grep -q victim <(pvn list --names) && { pvn destroy victim || fail "$1: destroy"; }
    wait_for 10 as_before ||
        fail "$1 left: $(diff <(echo "$before") <(pv_left) | grep '^[<>]' | tr '\n' ' ')"
}
for ms in 0 50 100 200 300 400 600 800 1200; do
    pvn create -q /run/victim.cfg 2> /dev/null &
    sleep "$(awk "BEGIN { print $ms / 1000 }")"
    pvnd_kill
    wait $!
    rc=$?
    pvnd_start
    [ $rc != 0 ] || grep -q victim <(pvn list --names) || fail "killed after $ms ms: told yes, and gone"
    check "create killed after $ms ms"
done
for ms in 0 20 50 100 150 250; do
    pvn create -q /run/victim.cfg || fail "create"
    pvn destroy victim 2> /dev/null &
    sleep "$(awk "BEGIN { print $ms / 1000 }")"
    pvnd_kill
    wait $!
    pvnd_start
    check "destroy killed after $ms ms"
done
[ "$daemons" = "$(cat /run/paravane/children/*)" ] || fail "a daemon was started again"
n=$(pv_log_of calm | grep -ac TICK)
sleep 3
[ "$(pv_log_of calm | grep -ac TICK)" -gt "$n" ] || fail "the guest stands still"
pvn destroy calm || fail "destroy of an adopted guest"
