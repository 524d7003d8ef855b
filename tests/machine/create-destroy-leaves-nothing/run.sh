# After many guests came and went, exactly the free frames, event channels and
# grant mappings are back that there were, and no domain is left. (The first
# ones are not counted: what is allocated once stays.)
# soak-on: q35x2
# secs: 300
xen_up
one()
{
    guest_create cycle kernel=/run/job/files/tiny-$1.elf memory=32 > /dev/null
    case $1 in idle | spin) xl destroy cycle || fail "xl destroy" ;; esac
    wait_for 20 guest_gone cycle || fail "the guest stays"
}
# Paravane's exact counts; the peer has none, there the free pages have to do.
resources()
{
    xl debug-keys m 2> /dev/null
    xl dmesg | sed -n 's/.*resources: //p' | tail -1 | grep . ||
        echo "$(/run/job/files/free-pages) pages"
}
back() { [ "$(resources)" = "$before" ]; }
one idle
one poweroff
sleep 1
before=$(resources)
say "$before"
n=0 total=${CYCLES:-50} t0=$(now)
while [ $n -lt "$total" ]; do
    case $((n % 5)) in 3) one spin ;; 4) one poweroff ;; *) one idle ;; esac
    n=$((n + 1))
    [ $((n % 10)) = 0 ] && say "$n of $total, free memory $(free_memory) MiB"
done
say "$total cycles in $(($(now) - t0)) s"
wait_for 30 back || fail "before: $before; after: $(resources)"
[ -z "$(guests_left)" ] || fail "domains are left: $(guests_left)"
