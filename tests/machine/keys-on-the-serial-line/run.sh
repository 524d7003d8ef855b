# Ctrl-A three times on the serial line gives the keyboard to the hypervisor; each
# debug key shows what its line in the list says, and the host goes on; three
# times again, and what is typed is dom0's.
# on: pc2
# secs: 60
# only: paravane
xen_up
log() { xl dmesg; }
type() { echo "HOST-TYPE $(printf %s "$1" | od -An -tx1 | tr -d ' \n')"; }
# key KEY REGEX: until the log has such a line more than before.
lines() { log | grep -cE "$1"; }
more() { [ "$(lines "$1")" -gt "$2" ]; }
key()
{
    local before
    before=$(lines "$2")
    type "$1"
    wait_for 10 more "$2" "$before" || fail "key $1 does not say '$2'"
}
guest_create sleeper kernel=/run/job/files/tiny-idle.elf memory=32 vcpus=2
key $'\x01\x01\x01' 'keys go to the hypervisor'
key a 'CPU 1: [0-9]+ timers, the next at [0-9]+ us'
key e 'd0: [0-9]+ event channels'
key g 'd0 grants: [0-9]+ of 64 frames'
key i 'frames: 0 violations; [1-9]'
key l 'latency: worst hypercall'
key l 'latency: worst exit [1-9]'
key m 'resources: [1-9][0-9]* free frames'
key q 'd[1-9][0-9]*v1: cpu'
key x 'debug key q: domains and vCPUs'
# The same of the guest, and by xl.
log | grep -qE 'd[1-9][0-9]*: [0-9]+ event channels' || fail "key e does not name the guest's"
log | grep -qE 'd[1-9][0-9]* grants: ' || fail "key g does not name the guest's"
log | grep -qE 'd0: [0-9]+ of [0-9]+ pages' || fail "key q does not name dom0"
before=$(lines 'frames: 0 violations')
xl debug-keys i || fail "xl debug-keys i"
more 'frames: 0 violations' "$before" || fail "xl debug-keys does not do as the key"
guest_is sleeper || fail "the guest is gone"
key $'\x01\x01\x01' 'keys go to dom0'
# On dom0's own console now: the first two Ctrl-A came there, none of the keys.
stty -F /dev/hvc0 -icanon -echo
timeout $((10 * SLOW)) head -c 7 /dev/hvc0 > /run/typed &
reader=$!
sleep 0.5
type hello
wait $reader || fail "what is typed does not come to dom0: $(od -c /run/typed | head -2)"
[ "$(cat /run/typed)" = $'\x01\x01hello' ] || fail "dom0 reads $(od -c /run/typed | head -1)"
