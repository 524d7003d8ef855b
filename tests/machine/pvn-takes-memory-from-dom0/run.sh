# A guest that does not fit gets what lacks from domain 0, where that may
# shrink; not more than it can spare, and pvn mem-set gives it back.
# on: host
# secs: 120
. /run/job/files/pv/lib.sh
pv_up
free_mib() { pvn info --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["free_kib"] // 1024)'; }
dom0_mib() { pvn list Domain-0 | awk 'NR == 2 { print $3 }'; }
again() { pvnd_kill; pvnd_start; }
before=$(dom0_mib) need=$(($(free_mib) + 100))
pv_guest big memory=$need 'disk=[]' 'vif=[]'

# Its size is fixed on the hypervisor's command line.
pvn create -pq /run/big.cfg 2> /run/err
[ $? = 7 ] && grep -q 'MiB are free; domain 0 keeps its own (dom0_mem=' /run/err || fail "with dom0_mem= it is not refused: $(cat /run/err)"
[ "$(dom0_mib)" = "$before" ] || fail "with dom0_mem= domain 0 shrank"

printf 'autoballoon = yes\ndom0-min-memory = 640\n' > $pv_etc/paravane.conf
again
pvn create -p /run/big.cfg 2> /run/err || fail "a guest that domain 0 has room for: $(cat /run/err)"
grep -q 'taking [0-9]* MiB from domain 0' /run/err || fail "nobody is told: $(cat /run/err)"
now=$(dom0_mib)
[ "$now" -le $((before - 90)) ] && [ "$now" -ge $((before - 130)) ] || fail "domain 0 went from $before to $now MiB"
pvn destroy big || fail "destroy"

pv_guest big memory=$((need + 600)) 'disk=[]' 'vif=[]'
pvn create -pq /run/big.cfg 2> /run/err
[ $? = 7 ] && grep -q 'dom0-min-memory' /run/err || fail "more than domain 0 can spare: $(cat /run/err)"
[ "$(dom0_mib)" = "$now" ] || fail "domain 0 shrank in vain, to $(dom0_mib) MiB"
pvn mem-set Domain-0 600M 2> /run/err
[ $? = 2 ] && grep -q 'at least 640 MiB' /run/err || fail "mem-set below the least: $(cat /run/err)"
pvn mem-set Domain-0 ${before}M || fail "pvn mem-set Domain-0"
is_back() { [ "$(dom0_mib)" = "$before" ]; }
wait_for 30 is_back || fail "domain 0 has $(dom0_mib) MiB instead of $before"
rm $pv_etc/paravane.conf
again
