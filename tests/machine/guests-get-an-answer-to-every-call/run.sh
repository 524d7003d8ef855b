# Event channels of both kinds, every hypercall with good, bad and no sense in it.
# on: guests
# secs: 360
xen_up
GUEST_CONSOLE=$guest_logs bash /run/job/files/guests/guest-job.sh \
    /run/job/files/guests evtchn evtchn-fifo calls junk > /run/guests.out 2>&1
status=$?
cat /run/guests.out
[ $status = 0 ] || fail "$(grep -m1 '^VERDICT .* fail' /run/guests.out)"
[ "$(grep -c '^VERDICT .* pass' /run/guests.out)" -gt 0 ] || fail "no verdicts"
