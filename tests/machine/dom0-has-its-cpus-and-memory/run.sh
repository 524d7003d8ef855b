# dom0's kernel reaches userspace with every CPU of the machine, all of them run,
# and it has the memory it was given.
# on: pc1 pc2 q35x4 big
say "$(uname -r), $(nproc) CPUs, $(grep MemTotal /proc/meminfo)"
[ "$(nproc)" = "$CPUS" ] || fail "$(nproc) CPUs instead of $CPUS"
for c in $(seq 0 $((CPUS - 1))); do
    want "CPU $c runs nothing" taskset -c "$c" true
done
kib=$(awk '/MemTotal/ { print $2 }' /proc/meminfo)
[ "$kib" -gt $((DOM0_MEM * 1024 * 75 / 100)) ] ||
    fail "$kib KiB of memory, of $DOM0_MEM MiB given"
