# Guests that ask for as much as a call can do, and the creation and teardown of
# large ones: how long is a CPU in the hypervisor at a time, interrupts off, at
# worst? Where an instruction is a nanosecond, less than a millisecond.
# on: host
# soak-on: exact
# secs: 60
# only: paravane
. /run/job/files/pv/lib.sh
pv_up
# What was the longest since the last time, a line for each kind.
worst()
{
    pvn debug-keys l || fail "pvn debug-keys l"
    pvn dmesg | grep -a 'latency: worst' | tail -4 > /run/worst
    [ "$(wc -l < /run/worst)" = 4 ] || fail "debug key l says nothing"
}
# note WHAT: the figures since the last time; over the limit only where time is exact.
over=
note()
{
    local kind us call
    worst
    while read -r kind us call; do
        echo "NOTE calls-give-way-in-time/$1 $kind=$us us $call"
        [ "$BOOT" != exact ] || [ "$us" -lt 1000 ] || over+=" $1: $kind $call $us us;"
        if [ "$us" -gt "${max[$kind]:--1}" ]; then max[$kind]=$us; fi
    done < <(sed -E 's/.*worst (\S+) (\S+) us \((.*)\).*/\1 \2 \3/' /run/worst)
}
declare -A max=()

worst
guest_config long kernel=/run/job/files/guests/long-calls.elf args=- memory=64 \
    event_channels=4096 'on_poweroff="preserve"' 'on_crash="preserve"'
pvn create -q /run/long.cfg || fail "pvn create long"
pv_wait long 'GUEST long-calls end' 120
note long-calls
pv_log_of long | tr -d '\r' | grep -a '^VERDICT'
bad=$(pv_log_of long | tr -d '\r' | grep -am1 '^VERDICT .* fail')
[ -z "$bad" ] || fail "$bad"
want "pvn destroy long" pvn destroy long
note teardown
guest_config large kernel=/run/job/files/tiny-spin.elf memory=512
pvn create -q /run/large.cfg || fail "pvn create large"
note create-large
want "pvn destroy large" pvn destroy large
note destroy-large
echo "interrupts off at worst: a hypercall ${max[hypercall]} us, an exception ${max[exception]} us, interrupt ${max[interrupt]} us, exit ${max[exit]} us" > /run/reason
[ -z "$over" ] || fail "over 1 ms:$over"
