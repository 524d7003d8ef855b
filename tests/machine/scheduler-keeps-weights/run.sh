# Two spinning guests on one CPU share it as their weights say.
# on: q35x2
# secs: 90
xen_up
seconds() { xl list "$1" | awk 'NR > 1 { print $6 }'; }
guest_create heavy kernel=/run/job/files/tiny-spin.elf memory=32 cpu_weight=512
guest_create light kernel=/run/job/files/tiny-spin.elf memory=32 cpu_weight=128
[ "$(xl sched-credit2 -d heavy | awk '$1 == "heavy" { print $3 }')" = 512 ] || fail "the weight is not kept"
# dom0 keeps to the other CPU meanwhile.
for d in "0 all 0 0" "heavy 0 1 1" "light 0 1 1"; do
    # shellcheck disable=SC2086
    xl vcpu-pin $d || fail "xl vcpu-pin $d"
done
[ "$(xl vcpu-list heavy light | awk '$4 == 1 && $7 == "1"' | wc -l)" = 2 ] || fail "the affinity is not kept"
h=$(seconds heavy) l=$(seconds light)
sleep 12
xl vcpu-list
ratio=$(echo "$(seconds heavy) $h $(seconds light) $l" | awk '{ printf "%.2f", ($1 - $2) / ($3 - $4 + 0.001) }')
say "the heavy one got $ratio times the light one's time (weights 4:1)"
awk -v r="$ratio" 'BEGIN { exit !(r > 2.5 && r < 6.5) }' || fail "$ratio times instead of 4"
