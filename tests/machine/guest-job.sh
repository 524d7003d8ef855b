#!/bin/bash
# Runs in a dom0 (store and console daemon up): guest-job.sh DIR [claim...]
# starts each DIR/<claim>.elf with xl, collects its console and prints one line
# per case:  VERDICT guest/<claim>/<case> pass|fail|skip reason
#
# DIR/<claim>.cfg adds lines to the guest's configuration; in it
#   # expect: end | crash | running   how it is meant to go on (default: end)
#   # timeout: seconds                until then (default: 120 or 60)
#   # others: yes                     let a fresh guest run after it
# GUEST_CONSOLE names the log folder of a console daemon that already runs with
# --log=guest; without it the daemon is started anew. SLOW stretches every
# timeout. The exit status says whether all cases held.
# A guest that is meant to go on for ever, or to die, must leave a fresh guest
# (claim `alive`) able to run meanwhile or after it.
set -u
dir=${1:?usage: guest-job.sh DIR [claim...]}
shift
work=$(mktemp -d /tmp/guests.XXXXXX)
logs=${GUEST_CONSOLE:-$work/console}
slow=${SLOW:-1}
failed=0
mkdir -p "$logs"

verdict() { # name pass|fail|skip reason
    echo "VERDICT guest/$*"
    if [ "$2" = fail ]; then failed=1; fi
}

# A console daemon of our own settings: guests' output goes to files.
console_start() {
    local pid
    for pid in $(pidof xenconsoled); do kill "$pid"; done
    sleep 0.3
    xenconsoled --log=guest --log-dir="$logs"
}

directive() { # claim word default
    local value
    value=$(sed -n "s/^# $2: *//p" "$dir/$1.cfg" 2>/dev/null | head -1)
    echo "${value:-$3}"
}

guest_start() { # claim name
    {
        echo "name = \"$2\""
        echo "type = \"pv\""
        echo "kernel = \"$dir/$1.elf\""
        echo "memory = $(directive "$1" memory 16)"
        echo 'on_poweroff = "preserve"'
        echo 'on_reboot = "preserve"'
        echo 'on_crash = "preserve"'
        cat "$dir/$1.cfg" 2>/dev/null
    } > "$work/$2.cfg"
    rm -f "$logs/guest-$2.log"
    if ! xl create -e "$work/$2.cfg" > "$work/$2.out" 2>&1; then
        # A toolstack that dies with its work done is no verdict on the guest
        # (seen on the peer under emulation, which leaks FPU contents).
        xl domid "$2" > /dev/null 2>&1 || return 1
        echo "NOTE guest/$1/created xl failed, but made the domain"
    fi
}

# xl list's state letters of a guest: r, b, p, s(hutdown), c(rashed), d.
guest_state() { xl list "$1" 2>/dev/null | awk 'NR == 2 { print $5 }'; }

guest_log() { tr -d '\r' < "$logs/guest-$1.log" 2>/dev/null; }

# Destroyed means gone by number: a domain that something still holds on to
# has lost its name long before.
guest_stop() { # name claim
    local id end=$((SECONDS + 20 * slow))
    id=$(xl domid "$1" 2>/dev/null) || return
    xl destroy "$1" > /dev/null 2>&1
    while xl list "$id" > /dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then
            verdict "$2/destroyed" fail "domain $id is still there"
            return
        fi
        sleep 0.2
    done
}

free_memory() { xl info 2>/dev/null | sed -n 's/^free_memory *: *//p'; }

# Wait for a line (a pattern) in the log or one of the given state letters.
guest_wait() { # name pattern letters seconds
    local end=$((SECONDS + $4 * slow)) tick=0
    while [ $SECONDS -lt $end ]; do
        if [ -n "$2" ] && guest_log "$1" | grep -q "$2"; then return 0; fi
        tick=$((tick + 1))
        if [ -n "$3" ] && [ $((tick % 5)) = 0 ]; then
            case $(guest_state "$1") in *[$3]*) return 0 ;; esac
        fi
        sleep 0.2
    done
    return 1
}

report() { # claim name
    guest_log "$2" | grep -aE "^(VERDICT|NOTE) " | sed 's/ *$//'
    if guest_log "$2" | grep -aqE "^VERDICT [^ ]* fail"; then failed=1; fi
}

alive() { # the claim that it is run for
    local name=alive-$RANDOM
    if ! guest_start alive "$name"; then
        verdict "$1/others-live" fail "cannot create another guest"
    elif ! guest_wait "$name" "^GUEST alive end" sc 90; then
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

run_end() {
    if ! guest_wait "$1" "^GUEST $1 end" sc "$(directive "$1" timeout 120)"; then
        report "$1" "$1"
        verdict "$1/ends" fail "no end in time, state $(guest_state "$1")"
    else
        sleep 0.2
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
    guest_wait "$1" "" sc "$(directive "$1" timeout 60)"
    state=$(guest_state "$1")
    report "$1" "$1"
    case $state in
    *c*) verdict "$1/crashes-itself" pass ;;
    *) verdict "$1/crashes-itself" fail "state $state" ;;
    esac
    alive "$1"
}

run_running() {
    if guest_wait "$1" "^GUEST $1 ready" sc "$(directive "$1" timeout 60)"; then
        alive "$1"
        case $(guest_state "$1") in
        *[sc]*) verdict "$1/goes-on" fail "it stopped" ;;
        *) verdict "$1/goes-on" pass ;;
        esac
    else
        verdict "$1/goes-on" fail "not ready, state $(guest_state "$1")"
    fi
    report "$1" "$1"
}

run_claim() {
    local begin=$SECONDS
    if ! guest_start "$1" "$1"; then
        verdict "$1/created" fail "$(tail -n 2 "$work/$1.out" | tr "\n" " ")"
    else
        "run_$(directive "$1" expect end)" "$1"
    fi
    guest_stop "$1" "$1"
    if [ "$(directive "$1" others no)" = yes ]; then alive "$1"; fi
    echo "GUEST $1 took $((SECONDS - begin)) s"
    if [ -n "${GUEST_LOGS:-}" ]; then guest_log "$1" | sed "s/^/LOG $1: /"; fi
}

if [ -z "${GUEST_CONSOLE:-}" ]; then console_start; fi
if [ $# = 0 ]; then
    for f in "$dir"/*.elf; do set -- "$@" "$(basename "$f" .elf)"; done
fi
before=$(free_memory)
for claim; do run_claim "$claim"; done
# Scrubbing goes on behind destruction; give it a moment.
for _ in 1 2 3 4 5; do
    after=$(free_memory)
    if [ "$after" = "$before" ]; then break; fi
    sleep 1
done
if [ -n "$after" ] && [ "$after" = "$before" ]; then
    verdict "all/memory-comes-back" pass
else
    verdict "all/memory-comes-back" fail "$before MiB free, then $after"
fi
rm -rf "$work"
exit $failed
