# xl mem-set shrinks a running guest, the host gets the memory, and gives it back.
# on: pc2
# secs: 120
xen_up
guest_create air memory=320 job='while :; do echo "MEM $(($(grep MemTotal /proc/meminfo | tr -dc 0-9) / 1024))"; sleep 1; done'
guest_wait air 'MEM ' 60
free=$(free_memory)
has() { xl list air | awk -v m="$1" 'NR > 1 && $3 == m { f = 1 } END { exit !f }'; }
want "xl mem-set 220" xl mem-set air 220
wait_for 30 has 220 || fail "the guest keeps $(xl list air | tail -1)"
gained=$(($(free_memory) - free))
say "the host gained $gained MiB"
[ $gained -ge 98 ] && [ $gained -le 102 ] || fail "the host gained $gained MiB, not 100"
want "xl mem-set 320" xl mem-set air 320
wait_for 30 has 320 || fail "it did not grow again"
n=$(guest_log air | grep -c MEM)
more() { [ "$(guest_log air | grep -c MEM)" -gt $((n + 2)) ]; }
wait_for 20 more || fail "the guest stopped"
