# Guests that do random things on three vCPUs at once, one seed after the other
# (tests/machine/guest-fuzz): each ends itself or is destroyed in the middle, the
# frame table's invariants hold during and after it, and nothing stays behind.
# FUZZ_SECS, FUZZ_SEED: how long, and the first seed; FUZZ_OPS: of each vCPU.
# on: guests
# secs: 150
# long: 700
# only: paravane
. /run/job/files/pv/lib.sh
pv_up
files=/run/job/files
secs=${FUZZ_SECS:-$((${CYCLES:-50} * 2 / 5))} # 20 s, in the soak 400
seed=${FUZZ_SEED:-$((HOST_TIME % 100000))} t0=$(now) n=0 ops=0
resources()
{
    pvn debug-keys im
    pvn dmesg | sed -n 's/.*resources: //p' | tail -1
}
# The log of a violation comes before the panic that it ends in.
one()
{
    printf 'name = "fuzz"\ntype = "pv"\nkernel = "%s"\nmemory = 16\nvcpus = 3\nextra = "seed=%s ops=%s"\n' \
        "$files/guests/fuzz.elf" "$1" "${FUZZ_OPS:-4000}" > /run/fuzz.cfg
    timeout 60 "$files/build-guest" -s "${2:-15}" /run/fuzz.cfg > /run/fuzz.out 2>&1 || {
        tail -3 /run/fuzz.out
        fail "seed $1: the guest cannot be made or not be destroyed"
    }
    grep -aq 'FUZZ seed' /run/fuzz.out || fail "seed $1: the guest does not start"
    # Nothing yet when it ended itself early.
    sum=$(tr -d '\r' < /run/fuzz.out | sed -n 's/.*operations \([0-9]*\) \([0-9]*\) \([0-9]*\),.*/\1+\2+\3/p' | tail -1)
    ops=$((ops + ${sum:-0}))
}
back() { [ "$(resources)" = "$before" ]; }
one 1 2
sleep 1
before=$(resources)
[ -n "$before" ] || fail "no answer to debug key m"
while [ $(($(now) - t0)) -lt "$secs" ]; do
    one $((seed + n))
    n=$((n + 1))
    pvn debug-keys i
done
wait_for 20 back || fail "seeds $seed to $((seed + n - 1)): before: $before; after: $(resources)"
pvn dmesg | grep 'frames: 0 violations' > /dev/null || fail "the invariants were not checked"
echo "NOTE $n guests from seed $seed, $ops operations reported, in $(($(now) - t0)) s"
