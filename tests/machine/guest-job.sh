#!/bin/bash
# Runs in a dom0 where pvnd does: guest-job.sh DIR [claim...]
# makes each DIR/<claim>.elf with pvn, collects its console and prints one line
# per case:  VERDICT guest/<claim>/<case> pass|fail|skip reason
#
# DIR/<claim>.cfg adds lines to the guest's configuration; in it
#   # expect: end | crash | running   how it is meant to go on (default: end)
#   # timeout: seconds                until then (default: 120 or 60)
#   # others: yes                     let a fresh guest run after it
# SLOW stretches every timeout, GUEST_LOGS=1 adds the consoles. The exit status
# says whether all cases held.
# A guest that is meant to go on for ever, or to die, must leave a fresh guest
# (claim `alive`) able to run meanwhile or after it.
set -u
dir=${1:?usage: guest-job.sh DIR [claim...]}
shift
work=$(mktemp -d /tmp/guests.XXXXXX)
logs=/var/log/paravane pvnd_log=/run/pvnd.log
slow=${SLOW:-1}
failed=0

verdict() { # name pass|fail|skip reason
    echo "VERDICT guest/$*"
    if [ "$2" = fail ]; then failed=1; fi
}

directive() { # claim word default
    local value
    value=$(sed -n "s/^# $2: *//p" "$dir/$1.cfg" 2>/dev/null | head -1)
    echo "${value:-$3}"
}

guest_start() { # claim name; its number is in $domid
    {
        echo "name = \"$2\""
        echo "kernel = \"$dir/$1.elf\""
        echo "memory = 16"
        echo 'on_poweroff = "preserve"'
        echo 'on_reboot = "preserve"'
        echo 'on_crash = "preserve"'
        cat "$dir/$1.cfg" 2>/dev/null
    } > "$work/$2.cfg"
    rm -f "$logs/console-$2.log"
    pvn create "$work/$2.cfg" > "$work/$2.out" 2>&1 || return 1
    domid=$(sed -n 's/.* is domain \([0-9]*\),.*/\1/p' "$work/$2.out")
}

guest_state() { pvn list "$1" 2>/dev/null | awk 'NR == 2 { print $5 }'; }

guest_log() { tr -d '\r' < "$logs/console-$1.log" 2>/dev/null; }

guest_stop() { # name claim
    pvn destroy "$1" || verdict "$2/destroyed" fail "it cannot be destroyed"
}

free_mib() { pvn info --json | sed -n 's/.*"free_kib": *\([0-9]*\)[0-9]\{3\}.*/\1/p'; }

await() { # seconds FILE REGEX...
    local secs=$1
    shift
    "$dir/../await" $((secs * slow)) "$@"
}

# Wait for a line (a pattern) in the log of the guest of that number, or for its
# end; what it said last may come a moment later.
guest_wait() { # name domid pattern seconds
    await "$4" "$logs/console-$1.log" "$3" "$pvnd_log" "\(domain $2\) " || return 1
    await 1 "$logs/console-$1.log" "$3" || return 0
}

report() { # claim name
    guest_log "$2" | grep -aE "^(VERDICT|NOTE) " | sed 's/ *$//'
    if guest_log "$2" | grep -aqE "^VERDICT [^ ]* fail"; then failed=1; fi
}

alive() { # the claim that it is run for
    local name=alive-$RANDOM domid
    if ! guest_start alive "$name"; then
        verdict "$1/others-live" fail "cannot create another guest"
        return
    fi
    if ! guest_wait "$name" "$domid" "^GUEST alive end" 90; then
        verdict "$1/others-live" fail "another guest does not end"
    elif [ "$(guest_log "$name" | grep -c '^VERDICT .* pass')" -ge 4 ] &&
        ! guest_log "$name" | grep -q '^VERDICT .* fail'; then
        verdict "$1/others-live" pass
    else
        verdict "$1/others-live" fail \
            "$(guest_log "$name" | grep -m1 '^VERDICT .* fail')"
    fi
    guest_stop "$name" "$1"
}

run_end() { # claim domid
    if ! guest_wait "$1" "$2" "^GUEST $1 end" "$(directive "$1" timeout 120)"; then
        report "$1" "$1"
        verdict "$1/ends" fail "no end in time, state $(guest_state "$1")"
    else
        report "$1" "$1"
        if guest_log "$1" | grep -q "^GUEST $1 end"; then
            verdict "$1/ends" pass
        else
            verdict "$1/ends" fail "state $(guest_state "$1")," \
                "last line: $(guest_log "$1" | tail -1)"
        fi
    fi
}

run_crash() {
    local state
    await "$(directive "$1" timeout 60)" "$pvnd_log" "\(domain $2\) "
    sleep 0.2
    state=$(guest_state "$1")
    report "$1" "$1"
    case $state in
    crashed) verdict "$1/crashes-itself" pass ;;
    *) verdict "$1/crashes-itself" fail "state $state" ;;
    esac
    alive "$1"
}

run_running() {
    if guest_wait "$1" "$2" "^GUEST $1 ready" "$(directive "$1" timeout 60)"; then
        alive "$1"
        case $(guest_state "$1") in
        running | blocked) verdict "$1/goes-on" pass ;;
        *) verdict "$1/goes-on" fail "it is $(guest_state "$1")" ;;
        esac
    else
        verdict "$1/goes-on" fail "not ready, state $(guest_state "$1")"
    fi
    report "$1" "$1"
}

run_claim() {
    local begin=$EPOCHREALTIME domid
    if ! guest_start "$1" "$1"; then
        verdict "$1/created" fail "$(tail -n 2 "$work/$1.out" | tr "\n" " ")"
    else
        "run_$(directive "$1" expect end)" "$1" "$domid"
        guest_stop "$1" "$1"
    fi
    if [ "$(directive "$1" others no)" = yes ]; then alive "$1"; fi
    echo "$begin $EPOCHREALTIME" | awk -v g="$1" '{ printf "GUEST %s took %.1f s\n", g, $2 - $1 }'
    if [ -n "${GUEST_LOGS:-}" ]; then guest_log "$1" | sed "s/^/LOG $1: /"; fi
}

if [ $# = 0 ]; then
    for f in "$dir"/*.elf; do set -- "$@" "$(basename "$f" .elf)"; done
fi
before=$(free_mib)
for claim; do run_claim "$claim"; done
# Scrubbing goes on behind destruction; give it a moment.
for _ in 1 2 3 4 5; do
    after=$(free_mib)
    if [ "$after" = "$before" ]; then break; fi
    sleep 1
done
if [ -n "$after" ] && [ "$after" = "$before" ]; then
    verdict "all/memory-comes-back" pass
else
    verdict "all/memory-comes-back" fail "$before MB free, then $after"
fi
rm -rf "$work"
exit $failed
