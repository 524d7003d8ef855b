# Two spinning guests on one CPU share it as their weights say.
# on: q35x2
# secs: 90
xen_up
seconds() { xl list "$1" | awk 'NR > 1 { print $6 }'; }
guest_create heavy kernel=/run/job/files/tiny-spin.elf memory=32 'cpus="1"' cpu_weight=512
guest_create light kernel=/run/job/files/tiny-spin.elf memory=32 'cpus="1"' cpu_weight=128
[ "$(xl sched-credit2 -d heavy | awk '$1 == "heavy" { print $3 }')" = 512 ] || fail "the weight is not kept"
taskset -pc 0 $$ > /dev/null
h=$(seconds heavy) l=$(seconds light)
sleep 12
ratio=$(echo "$(seconds heavy) $h $(seconds light) $l" | awk '{ printf "%.2f", ($1 - $2) / ($3 - $4 + 0.001) }')
say "the heavy one got $ratio times the light one's time (weights 4:1)"
awk -v r="$ratio" 'BEGIN { exit !(r > 2.5 && r < 6.5) }' || fail "$ratio times instead of 4"
