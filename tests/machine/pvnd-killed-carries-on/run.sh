# pvnd is killed at each step of making and of destroying a guest (in a soak; at
# some of them otherwise, other ones each time: STEPS_SEED repeats a run): the
# next one undoes the first and finishes the second. Guests and daemons do not
# notice.
# on: host
# soak-on: peer-host
# secs: 300
# long: 6000
. /run/job/files/pv/lib.sh
pv_up
RANDOM=${STEPS_SEED:=$((HOST_TIME % 32768))}
say "STEPS_SEED=$STEPS_SEED"
pv_guest calm job='n=0; while :; do n=$((n+1)); echo "TICK $n"; sleep 1; done'
pv_transient victim
pvn create -q /run/calm.cfg || fail "pvn create"
pv_wait calm 'TICK 2' 90
as_before() { [ "$before" = "$(pv_left)" ]; }
fds() { ls -l "/proc/$(pgrep -ox pvconsoled)/fd" | awk '{ print $9, $10, $11 }'; }
daemons=$(cat /run/paravane/children/*)
is_there() { pvn list --names | grep -qx victim; }

# at_step N VERB...: pvn VERB while pvnd is to die at step N of it; its answer is
# in $rc, and in $said "killed" or how many steps there were.
at_step()
{
    rm -f /run/said
    kill-at-step "$(pvnd_pid)" "$1" > /run/said &
    local killer=$!
    shift
    await 10 /run/said ready || fail "pvnd cannot be watched"
    timeout 120 pvn "$@" > /dev/null 2> /run/err
    rc=$?
    kill $killer 2> /dev/null
    wait $killer
    said=$(tail -1 /run/said)
    [ "$said" != killed ] || pvnd_start
}
check()
{
    ! is_there || pvn destroy victim || fail "$1: destroy"
    wait_for 10 as_before || {
        diff /run/fds <(fds)
        tail -20 $pv_log
        fail "$1 left: $(diff <(echo "$before") <(pv_left) | grep '^[<>]' | tr '\n' ' ')"
    }
}
# choose SOME STEPS: the steps to be killed at into $chosen: all in a soak (or from
# STEPS_FROM on, every STEPS_EACH), else SOME, one of each part of the way at
# random. (A subshell's RANDOM is another.)
choose()
{
    local i part=$(($2 / $1))
    chosen=
    for ((i = 0; i < $1; i++)); do chosen+=" $((i * part + RANDOM % part + 1))"; done
    [ -z "${CYCLES:-}" ] || chosen=$(seq "${STEPS_FROM:-1}" "${STEPS_EACH:-1}" "$2")
}

at_step 1000000 create -q /run/victim.cfg
make=${said#steps }
at_step 1000000 destroy victim
unmake=${said#steps }
say "$make steps to make a guest, $unmake to destroy it"
[ "$make" -gt 20 ] && [ "$unmake" -gt 10 ] || fail "the steps are not seen"
sleep 1 # what the first of all leaves for a moment, and what it makes for good
before=$(pv_left)
fds > /run/fds
choose 8 "$make"
say "making, killed at" $chosen
for n in $chosen; do
    at_step "$n" create -q /run/victim.cfg
    [ $rc != 0 ] || is_there || fail "create killed at step $n: told yes, and gone"
    check "create killed at step $n"
done
choose 3 "$unmake"
say "destroying, killed at" $chosen
for n in $chosen; do
    pvn create -q /run/victim.cfg || fail "create before step $n"
    at_step "$n" destroy victim
    ! is_there || pvn list victim | grep -qE 'running|blocked' || fail "destroy killed at step $n: half a guest is left"
    check "destroy killed at step $n"
done
[ "$daemons" = "$(cat /run/paravane/children/*)" ] || fail "a daemon was started again"
n=$(pv_log_of calm | grep -ac TICK)
pv_wait calm "TICK $((n + 1))" 20
pvn destroy calm || fail "destroy of an adopted guest"
