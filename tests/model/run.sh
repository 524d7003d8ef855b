#!/bin/bash
# run.sh OUT MODEL...: search all states of each for a violated assertion or a
# state that nobody can leave. With BROKEN defined each model has one step left
# out or moved; the search must find that out, or it would find nothing.
set -u
out=$1 passed=0 failed=0
shift

# search MODEL FOLDER DEFINES: 0 all states are good, 1 one is bad, 2 neither.
search()
{
    mkdir -p "$2"
    (cd "$2" && spin -a $3 "$1" && gcc -O2 -w -DSAFETY -o pan pan.c &&
        ./pan -m1000000) > "$2/log" 2>&1 || return 2
    ! grep -q 'max search depth too small' "$2/log" || return 2
    grep -q 'errors: 0' "$2/log" && return 0
    grep -q 'errors: [1-9]' "$2/log" && return 1
    return 2
}

for m in "$@"; do
    name=$(basename "$m" .pml)
    search "$(realpath "$m")" "$out/$name" ""
    good=$?
    search "$(realpath "$m")" "$out/$name-broken" -DBROKEN
    broken=$?
    if [ $good = 0 ] && [ $broken = 1 ]; then
        echo "pass  model $name ($(awk '/states, stored/ { print $1 }' "$out/$name/log") states)"
        passed=$((passed + 1))
    else
        echo "fail  model $name: search $good, broken on purpose $broken; see $out/$name*/log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
