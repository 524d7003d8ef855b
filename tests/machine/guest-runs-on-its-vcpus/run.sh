# A guest of 2 or 8 vCPUs brings all of them up and runs on each. (Most cases have
# guests of one, xl-vcpu-set-hotplugs one of four.)
# on: pc2
# secs: 180
xen_up
for n in 2 8; do
    guest_create smp$n vcpus=$n job='echo "NPROC $(nproc)"; c=0
while [ $c -lt $(nproc) ]; do taskset -c $c sh -c "i=0; while [ \$i -lt 500 ]; do i=\$((i+1)); done" && echo "RAN $c"; c=$((c+1)); done'
    guest_wait smp$n "^RAN $((n - 1))" 60
    guest_said smp$n "^NPROC $n" || fail "$(guest_log smp$n | grep NPROC) of $n"
    guest_wait_gone smp$n 20
done
