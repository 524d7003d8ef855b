# Guests that die, spin, flood and hoard: a fresh one runs beside or after each.
# on: guests
# secs: 480
xen_up
GUEST_CONSOLE=$guest_logs bash /run/job/files/guests/guest-job.sh \
    /run/job/files/guests hostile-entry hostile-callback hostile-trap hostile-iret hostile-stack hostile-user hostile-spin hostile-calls hostile-storm hostile-exhaust hostile-memory hostile-tables > /run/guests.out 2>&1
status=$?
cat /run/guests.out
[ $status = 0 ] || fail "$(grep -m1 '^VERDICT .* fail' /run/guests.out)"
[ "$(grep -c '^VERDICT .* pass' /run/guests.out)" -gt 0 ] || fail "no verdicts"
