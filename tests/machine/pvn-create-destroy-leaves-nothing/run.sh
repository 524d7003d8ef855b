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
# Its own memory: kernels that it keeps mapped are the page cache's.
own() { awk '/RssAnon/ { print $2 }' "/proc/$(pgrep -ox "$1")/status"; }
before=$(pv_state)
for i in $(seq ${CYCLES:-50}); do cycle $i; done
# pvnd keeps a few connections for the next operation, now more, now fewer.
kept() { awk '/^pvnd|^pvstored/ { print $2 }' <<< "$1"; }
rest() { grep -v -e '^pvnd' -e '^pvstored' <<< "$1"; }
settled()
{
    after=$(pv_state)
    [ "$(rest "$before")" = "$(rest "$after")" ] &&
        paste <(kept "$before") <(kept "$after") | awk '$2 > $1 + 9 { exit 1 }'
}
wait_for 10 settled || fail "left behind: $(diff <(echo "$before") <(echo "$after") | grep '^[<>]' | tr '\n' ' ')"
[ "$(own pvnd)" -lt 8192 ] || fail "pvnd has $(own pvnd) KiB"
say "pvnd has $(own pvnd) KiB of its own"
