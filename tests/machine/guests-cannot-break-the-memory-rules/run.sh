# Page types, stores to page tables, descriptors, grants and the balloon, case by case.
# on: guests
# secs: 300
xen_up
GUEST_CONSOLE=$guest_logs bash /run/job/files/guests/guest-job.sh \
    /run/job/files/guests pagetypes ptwrite descriptors grants memory races > /run/guests.out 2>&1
status=$?
cat /run/guests.out
[ $status = 0 ] || fail "$(grep -m1 '^VERDICT .* fail' /run/guests.out)"
[ "$(grep -c '^VERDICT .* pass' /run/guests.out)" -gt 0 ] || fail "no verdicts"
