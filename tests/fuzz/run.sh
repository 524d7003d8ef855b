#!/bin/bash
# run.sh SECONDS FUZZER...: each for so long, from its checked-in corpus
# (tests/fuzz/corpus/<parser>/); new inputs go to build/, a finding fails.
set -u
secs=$1 passed=0 failed=0
shift
for f in "$@"; do
    name=${f##*/fuzz_}
    work=${f%/*}/corpus/$name
    mkdir -p "$work" "tests/fuzz/corpus/$name"
    if "$f" -max_total_time="$secs" -timeout=10 -print_final_stats=0 \
        -artifact_prefix="${f%/*}/$name-" "$work" "tests/fuzz/corpus/$name" \
        > "$f.log" 2>&1; then
        echo "pass  fuzz $name"
        passed=$((passed + 1))
    else
        echo "fail  fuzz $name: see $f.log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
