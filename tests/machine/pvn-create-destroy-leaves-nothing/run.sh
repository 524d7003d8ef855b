# Guests made and destroyed one after the other, 50 or in a soak 1,000, leave no
# memory, node, descriptor or process.
# on: host
# soak-on: peer-host
# secs: 400
# long: 4000
. /run/job/files/pv/lib.sh
pv_up
pv_transient x
cycle() { pvn create -q /run/x.cfg || fail "create $1"; pvn destroy x || fail "destroy $1"; }
cycle warm; cycle warm; cycle warm
rss() { awk '/VmRSS/ { print $2 }' "/proc/$(pgrep -ox "$1")/status"; }
before=$(pv_state) rss0=$(rss pvnd)
for i in $(seq ${CYCLES:-50}); do cycle $i; done
settled() { [ "$before" = "$(pv_state)" ]; }
wait_for 10 settled ||
    fail "left behind: $(diff <(echo "$before") <(pv_state) | grep '^[<>]' | tr '\n' ' ')"
[ $(($(rss pvnd) - rss0)) -lt 2048 ] || fail "pvnd grew from $rss0 to $(rss pvnd) KiB"
