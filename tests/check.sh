#!/bin/bash
# Everything that has to hold before a change is good. The last line counts the
# tests of all parts; a build that fails counts as one failed test.
set -u
passed=0 failed=0 skipped=0 failures=
logs=$(mktemp -d) log=$logs/now
jobs=-j$(nproc)
make=(make -s --no-print-directory)

# Beside the builds: the image, which is mostly waited for where it is not there
# yet (if it fails, the machine tests say so), and what keeps one processor busy.
"${make[@]}" image > "$logs/image" 2>&1 &
image=$!
"${make[@]}" model > "$logs/model" 2>&1 &
model=$!
trap 'kill $(jobs -p) 2> /dev/null; rm -rf "$logs"' EXIT

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

# suite WHAT COMMAND...: a runner whose closing line is counted.
suite()
{
    local what=$1 rc last
    shift
    echo "== $what"
    "$@" 2>&1 | tee "$log"
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
suite "unit tests" "${make[@]}" "$jobs" unit
suite "path lengths" "${make[@]}" pathlen
wait $model
model_rc=$?
models() { cat "$logs/model"; return $model_rc; }
suite "models" models
wait $image
cat "$logs/image"
suite "machine tests" "${make[@]}" machine
echo "check took $((SECONDS - start)) s"
grep . <<< "$failures"
counts="$passed passed, $failed failed"
[ $skipped = 0 ] || counts+=", $skipped skipped"
echo "$counts"
[ $failed = 0 ]
