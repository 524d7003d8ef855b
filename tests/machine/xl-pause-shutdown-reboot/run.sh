# A paused guest stands still and goes on when unpaused; xl reboot and xl shutdown
# reach its init; its console can be read by xl console.
# on: pc2
# secs: 180
xen_up
ticks() { guest_log life | grep -c TICK; }
guest_create life 'on_reboot="restart"' job='n=0; while :; do n=$((n+1)); echo "TICK $n"; sleep 1; done'
guest_wait life 'TICK 2' 60
timeout 5 xl console life < /dev/null > /tmp/console 2>&1
grep -q TICK /tmp/console || fail "xl console shows nothing"
xl pause life || fail "xl pause"
want "xl list does not say paused" test -n "$(xl list life | awk '$5 ~ /p/')"
sleep 1
before=$(ticks)
sleep 4
[ "$(ticks)" = "$before" ] || fail "the paused guest went on"
xl unpause life || fail "xl unpause"
wait_for 10 test "$before" -lt "$(ticks)" || wait_for 10 guest_said life "TICK $((before + 1))" ||
    fail "the guest did not go on"
id=$(xl domid life)
xl reboot life || fail "xl reboot"
guest_wait life GUEST-REBOOT 20
again() { [ "$(guest_log life | grep -c GUEST-INIT)" -ge 2 ]; }
wait_for 60 again || fail "it did not start again"
[ "$(xl domid life)" != "$id" ] || fail "the same domain id"
sleep 1
xl shutdown life || fail "xl shutdown"
guest_wait life GUEST-POWEROFF 20
guest_wait_gone life 20
