#!/bin/bash
# Everything that has to hold before a change is good. The last line counts the
# tests of all parts; a build that fails counts as one failed test.
set -u
passed=0 failed=0 skipped=0 failures=
log=$(mktemp)
trap 'rm -f "$log"' EXIT
jobs=-j$(nproc)

# build WHAT MAKE-ARGUMENTS...
build()
{
    local what=$1
    shift
    if make "$jobs" "$@" > "$log" 2>&1; then
        echo "pass  $what"
        passed=$((passed + 1))
    else
        grep -E 'error|Error|warning' "$log" | head -20
        echo "fail  $what"
        failed=$((failed + 1))
        failures+="fail  $what"$'\n'
    fi
}

# suite WHAT MAKE-ARGUMENTS...: a runner whose closing line is counted.
suite()
{
    local what=$1 rc last
    shift
    echo "== $what"
    make -s --no-print-directory "$@" 2>&1 | tee "$log"
    rc=${PIPESTATUS[0]}
    failures+=$(sed -nE 's/^(\[ *[0-9]+ s\] )?((fail|error) .*)/\2/p' "$log" | sort -u)$'\n'
    last=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -1)
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
        [ "$rc" = 0 ] || [ "${BASH_REMATCH[2]}" != 0 ] || failed=$((failed + 1))
    else
        echo "fail  $what: no count of its tests"
        failed=$((failed + 1))
        failures+="fail  $what: no count of its tests"$'\n'
    fi
}

start=$SECONDS
echo "== builds"
build "builds with gcc" hypervisor CC=gcc
build "builds with clang" hypervisor CC=clang BUILD=build/clang
build "builds with DEBUG=1" hypervisor CC=gcc DEBUG=1 BUILD=build/debug
build "the host domain builds with gcc" userland CC=gcc
build "the host domain builds with clang" userland CC=clang BUILD=build/clang
suite "unit tests" "$jobs" unit
suite "path lengths" pathlen
suite "models" model
suite "machine tests" machine
echo "check took $((SECONDS - start)) s"
grep . <<< "$failures"
counts="$passed passed, $failed failed"
[ $skipped = 0 ] || counts+=", $skipped skipped"
echo "$counts"
[ $failed = 0 ]
