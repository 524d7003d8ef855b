#!/bin/bash
# Every machine test with the long counts, ROUNDS times over, and the store's
# daemon killed 1,000 times each. Verdicts are kept in
# build/soak/round-N.json, so that an interrupted soak goes on where it stopped;
# remove that folder to begin again.
set -u
rounds=${ROUNDS:-10} out=build/soak rc=0
mkdir -p $out
for n in $(seq "$rounds"); do
    [ -e $out/round-$n.done ] && continue
    echo "== soak round $n of $rounds"
    if KILLS=1000 build/unit/host/test_kill &&
        tests/machine/run.py --soak --state $out/round-$n.json; then
        touch $out/round-$n.done
    else
        rc=1
    fi
done
exit $rc
