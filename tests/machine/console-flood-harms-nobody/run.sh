# A guest that never stops writing to its console, looked at by somebody who
# does not read: dom0 spends little on it, its log stays within its bound, and
# another guest's console answers.
# on: host
# secs: 180
. /run/job/files/pv/lib.sh
pv_up
# A log that is nearly full at the start turns over within seconds.
limit=$((8 << 20)) log=/var/log/paravane/console-flood.log
rm -f $log*
mkdir -p /var/log/paravane; truncate -s $((limit - 10000)) $log
pv_guest flood 'job=yes "ein Satz, der immer wieder kommt" > /dev/hvc0'
pv_guest calm 'job=while read -r line; do echo "ANSWER $line"; done < /dev/hvc0 > /dev/hvc0'
pvn create -q /run/calm.cfg && pvn create -q /run/flood.cfg || fail "pvn create"
turned() { [ -e $log.1 ]; }
wait_for 60 turned || fail "the log does not turn over at its limit"
pvn console flood > /run/blind < <(sleep 60) &
viewer=$!
kill -STOP $viewer

ticks() { awk '{ print $14 + $15 }' "/proc/$(pgrep -ox pvconsoled)/stat"; }
bytes() { cat $log.1 $log | wc -c; }
t0=$(date +%s%N) ticks0=$(ticks) bytes0=$(bytes)
sleep 6
ms=$((($(date +%s%N) - t0) / 1000000)) ticks=$(($(ticks) - ticks0)) bytes=$(($(bytes) - bytes0))
say "pvconsoled: $((ticks * 1000 / ms)) % of a processor for $((bytes / ms)) KB/s of console"
[ $((ticks * 1000 / ms)) -le 40 ] || fail "pvconsoled took $ticks of $((ms / 10)) ticks"
[ $bytes -gt 0 ] || fail "nothing of the flood is logged"
[ $((bytes / ms)) -le 50 ] || fail "$bytes bytes were let through in $ms ms"
rss=$(awk '/VmRSS/ { print $2 }' "/proc/$(pgrep -ox pvconsoled)/status")
[ "$rss" -lt 16384 ] || fail "pvconsoled has grown to $rss KiB"
(echo question; sleep 60) | pvn console calm > /run/answer &
asker=$!
wait_for 20 grep -aq "ANSWER question" /run/answer || fail "another guest's console does not answer"
kill $asker
kill -9 $viewer
[ "$(stat -c %s $log)" -le $limit ] && [ "$(stat -c %s $log.1)" -le $limit ] || fail "a log is over its limit"
pvn console flood < <(sleep 3; printf '\035') | tail -c 2000 | grep -aq 'immer wieder' || fail "no scrollback of the flood"
pvn destroy flood && pvn destroy calm || fail "pvn destroy"
rm -f $log*
