# The tiny guest's TCP on our backend: what several streams send comes back the
# same, also when the backend is killed meanwhile; no stream ends. And from one
# tiny guest to another, checked byte by byte.
# on: host
# secs: 120
# long: 600
. /run/job/files/pv/lib.sh
. /run/job/files/tiny-lib.sh
tiny_wants_tcp
pv_up
card='vif=["bridge=xenbr0"]'
echo_py="python3 /run/job/files/tcp-echo.py 10.9.0.79"

tiny_create tcp "tcp-echo ip=10.9.0.79" "$card"
tiny_wait tcp 'TINY tcp-echo ready' 30
grep -a 'TINY tcp-echo ready' "$(tiny_log tcp)"
want "it answers pings" ping -q -c2 -i0.3 -W5 10.9.0.79
say streams
want "what is sent comes back" $echo_py 6 2

kills=${CYCLES:+50} kills=${kills:-3}
say "its backend is killed, $kills times"
$echo_py 6 $((kills * 2)) > /run/out 2>&1 &
streams=$!
for _ in $(seq $kills); do
    sleep 1.3
    pkill -9 -x pvnetd || break
done
wait $streams || { pv_trouble tcp; fail "streams with a killed backend: $(cat /run/out)"; }
cat /run/out

say "guest to guest"
for kind in send receive rtt; do
    tiny_create peer "tcp-bench ip=10.9.0.80 to=10.9.0.79 do=$kind streams=3 secs=1" "$card"
    tiny_end peer 60
    grep -a '^BENCH' "$(tiny_log peer)"
    pvn destroy peer
done
tiny_create peer "tcp-bench ip=10.9.0.80 to=10.9.0.79 port=81" "$card"
pv_wait peer 'TINY tcp-bench failed: 0 of 1 streams connect to 10.9.0.79 port 81' 40
pvn destroy peer

$echo_py 0 0
tiny_end tcp 20
grep -a 'TINY tcp-echo ok.* refused=0 ' "$(tiny_log tcp)" || fail "$(tail -1 "$(tiny_log tcp)")"
pvn destroy tcp
