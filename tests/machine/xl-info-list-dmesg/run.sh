# xl's questions about the machine are answered, with figures that agree.
# on: pc2
xen_up
xl info > /tmp/info || fail "xl info"
get() { awk -F' *: *' -v k="$1" '$1 == k { print $2 }' /tmp/info; }
[ "$(get nr_cpus)" = "$CPUS" ] || fail "xl info: $(get nr_cpus) CPUs, not $CPUS"
case $(get xen_caps) in *xen-3.0-x86_64*) ;; *) fail "no PV in xen_caps: $(get xen_caps)" ;; esac
[ "$(get xen_major).$(get xen_minor)" = 4.17 ] || fail "not the 4.17 ABI"
total=$(get total_memory) free=$(get free_memory)
[ "$total" -gt $((MEM * 9 / 10)) ] && [ "$total" -le "$MEM" ] ||
    fail "total_memory $total MiB of $MEM"
[ "$free" -gt $((MEM - DOM0_MEM - 300)) ] && [ "$free" -lt $((MEM - DOM0_MEM)) ] ||
    fail "free_memory $free MiB of $MEM, dom0 has $DOM0_MEM"
xl list > /tmp/list || fail "xl list"
grep -qE "^Domain-0 +0 +[0-9]+ +$CPUS +r" /tmp/list || fail "xl list: $(tail -1 /tmp/list)"
want "xl vcpu-list" test "$(xl vcpu-list 0 | grep -c '^Domain-0')" = "$CPUS"
want "xl sched-credit2" test -n "$(xl sched-credit2 -d 0 | awk '$1 == "Domain-0" && $3 == 256')"
want "xl dmesg is empty" test "$(xl dmesg | wc -l)" -gt 10
want "xl uptime" xl uptime
xl domid no-such-guest 2> /dev/null && fail "a guest that is not there has a domid"
xl destroy 77 2> /dev/null && fail "domain 77 was destroyed"
exit 0
