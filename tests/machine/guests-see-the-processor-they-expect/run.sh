# Exceptions, privileged instructions, FPU contents, vCPUs and time, case by case.
# on: guests
# secs: 240
xen_up
GUEST_CONSOLE=$guest_logs bash /run/job/files/guests/guest-job.sh \
    /run/job/files/guests traps privop fpu vcpu > /run/guests.out 2>&1
status=$?
cat /run/guests.out
[ $status = 0 ] || fail "$(grep -m1 '^VERDICT .* fail' /run/guests.out)"
[ "$(grep -c '^VERDICT .* pass' /run/guests.out)" -gt 0 ] || fail "no verdicts"
