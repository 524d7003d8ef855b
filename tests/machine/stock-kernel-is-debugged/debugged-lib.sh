# What the cases share that look into a stock kernel with Debian's gdb.
gdb=/run/job/files/gdb/gdb kernel=/srv/guest/vmlinux names=/run/names.elf

# names_of SYMBOL...: $names gives gdb these.
names_of() { python3 /run/job/files/kallsyms.py $names "$@" || fail "no symbols"; }

# gdb_run LINE...: Debian's gdb does it; what it says is in /run/gdb.out.
gdb_run()
{
    printf '%s\n' 'set pagination off' 'set confirm off' 'set tcp connect-timeout 60' "$@" > /run/gdb.cmd
    LD_LIBRARY_PATH=${gdb%/*} HOME=/run timeout $((60 * SLOW)) \
        "$gdb" -nx -batch $names -x /run/gdb.cmd > /run/gdb.out 2>&1
}
# gdb_gets SIGNAL [COMMAND...]: the gdb that comes next, a moment after it touched
# /run/gdb.ready; and then the command is run.
gdb_gets()
{
    local signal=$1
    shift
    rm -f /run/gdb.ready
    {
        wait_for 60 test -e /run/gdb.ready
        nap 1.5
        [ "$signal" = 0 ] || kill -"$signal" "$(pgrep -x gdb | head -1)"
        "$@"
    } &
    getter=$! # not a wait for all: pvnd may be a child of this shell
}
gdb_trouble() { cat /run/gdb.out; tail -40 /run/run.out; tail -5 "$pv_log"; pvn list; }
# gdb_said REGEX...: each on a line of its own, in this order.
gdb_said()
{
    local at=0 line
    for line; do
        at=$(awk -v at="$at" -v rx="$line" 'NR > at && $0 ~ rx { print NR; exit }' /run/gdb.out)
        [ -n "$at" ] || { gdb_trouble; fail "gdb did not say '$line'"; }
    done
}
