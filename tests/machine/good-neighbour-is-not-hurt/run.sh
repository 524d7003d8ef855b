# Seventeen guests on two CPUs each hammer another resource without end; one that
# sleeps and wakes is woken nearly as soon as when it was alone, and none of the
# others takes more of the CPUs than the rest.
# soak-on: host
# secs: 300
# only: paravane
. /run/job/files/pv/lib.sh
pv_up
hammers="spin yields pte-updates pins flushes multicalls balloon page-copies events-to-itself events-to-dom0 ports
    timers exceptions page-faults privileged-instructions text-for-the-log table-writes"
elf=/run/job/files/guests/hammer.elf
start()
{
    guest_config "$1" kernel=$elf args="$2" memory=16 'on_poweroff="preserve"' 'on_crash="preserve"'
    pvn create -q "/run/$1.cfg" || fail "pvn create $1"
}
# neighbour NAME: how late it was woken at the 99th percentile, in us
neighbour()
{
    start "$1" neighbour
    pv_wait "$1" 'GUEST hammer end' 120
    pv_log_of "$1" | tr -d '\r' | grep -a ^NOTE | sed "s/^/$1: /"
    late=$(pv_log_of "$1" | tr -d '\r' | sed -n 's/^NOTE.*late us, 99 of 100 = //p')
    [ -n "$late" ] || fail "the neighbour says nothing"
    late=$((late))
    pvn destroy "$1"
}
alone=() under=()
for n in 1 2 3; do
    neighbour "alone$n"; alone+=("$late")
done
for h in $hammers; do start "$h" "$h"; done
for h in $hammers; do pv_wait "$h" 'GUEST hammer ready' 60; done
pvn list --json > /run/before
for n in 1 2 3; do
    neighbour "under$n"; under+=("$late")
done
pvn list --json > /run/after
middle() { printf '%s\n' "$@" | sort -n | sed -n 2p; }
a=$(middle "${alone[@]}") u=$(middle "${under[@]}")
say "late at the 99th percentile: alone ${alone[*]} us, under attack ${under[*]} us"
# What sleeps by itself uses less; of the hungry none has more than its share.
python3 - << 'END' > /run/out || fail "$(tail -1 /run/out)"
import json
before, after = ({g["name"]: g["cpu_ns"] for g in json.load(open(f"/run/{w}"))} for w in ("before", "after"))
used = {n: after[n] - before[n] for n in after if n in before and n != "Domain-0"}
hungry = [u for u in used.values() if u > used["spin"] / 2]
share = sum(hungry) / len(hungry)
for u, n in sorted(((u, n) for n, u in used.items()), reverse=True):
    print(f"  {u / share:5.2f} shares: {n}")
most = max(used, key=used.get)
if used[most] > 1.3 * share:
    print(f"{most} had {used[most] / share:.2f} times its share of the CPUs")
    raise SystemExit(1)
END
cat /run/out
for h in $hammers; do
    case $(pvn list "$h" | awk 'NR == 2 { print $5 }') in
    running | blocked) ;;
    *) fail "$h is $(pvn list "$h" | awk 'NR == 2 { print $5 }')" ;;
    esac
done
echo "woken late at the 99th percentile: alone $a us, under attack $u us" > /run/reason
[ "$u" -lt $((2 * a)) ] || fail "99th percentile: alone $a us, under attack $u us, more than twice"
