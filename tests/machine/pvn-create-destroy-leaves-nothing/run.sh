# Fifty guests with disk and network card come and go: no memory, node, descriptor,
# process or interface is left.
# on: host
# secs: 300
pv_up
truncate -s 16M /tmp/d1.img
pv_config g 'while sleep 1; do :; done' 'disk = ["/tmp/d1.img,raw,xvda,w"]' 'vif = [""]'
all() { echo "$(pv_state) free:$(/run/job/files/free-pages)"; }
for i in 1 2; do pv_create g; pvn destroy g || fail destroy; done
sleep 2
before=$(all) t0=$(now) n=0 total=${CYCLES:-50}
while [ $n -lt "$total" ]; do
    pv_create g
    pvn destroy g || fail "destroy, cycle $n"
    n=$((n + 1))
done
say "$total cycles in $(($(now) - t0)) s"
wait_for 30 eval '[ "$(all)" = "$before" ]' || fail "before: $before; after: $(all)"
