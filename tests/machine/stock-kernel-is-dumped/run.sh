# The memory of a stock guest as a file that readers of kernel dumps find their
# way in: by hand, and when it crashes. On a full disk nothing half-written has
# the name of a whole one.
# on: host
# secs: 120
. /run/job/files/pv/lib.sh
. /run/job/files/tiny-lib.sh
pv_up
banner=$(awk '$3 == "linux_banner" { print $1 }' /proc/kallsyms)
# has_banner FILE VCPUS
has_banner() { [[ $(python3 core.py "$1" "$banner") == "$2 vcpus: Linux version "* ]]; }

say "by hand, of one that runs"
guest_config g vcpus=2 'job=while :; do echo AT; sleep 1; done'
pvn create -q /run/g.cfg || fail "pvn create"
pv_wait g 'AT' 60
want "pvn dump" pvn dump -q g /run/g.core
has_banner /run/g.core 2 || fail "not in the dump: $(python3 core.py /run/g.core "$banner" 2>&1)"
want "it goes on" test "$(pvn list g | awk 'NR == 2 { print $5 }')" != paused
[ "$(stat -c %a /run/g.core)" = 600 ] || fail "others may read it"
[ $(($(stat -c %b /run/g.core) * 512)) -lt "$(stat -c %s /run/g.core)" ] || fail "no holes"
pvn dump -q g /dev/stdout | cat > /run/g.core
has_banner /run/g.core 2 || fail "through a pipe"
rm /run/g.core
mkdir -p /run/small
mount -t tmpfs -o size=8m small /run/small
code 1 pvn dump g /run/small/core
grep -q 'no space left' /run/out || fail "a full disk: $(cat /run/out)"
[ -z "$(ls /run/small)" ] || fail "left there: $(ls /run/small)"
pvn destroy g

say "when it crashes"
# ends ACTION: a guest that panics a moment after its start.
ends()
{
    guest_config g vcpus=2 on_crash="'$1'" \
        args="console=hvc0 panic=-1 xen_legacy_crash" 'job=echo c > /proc/sysrq-trigger'
    pvn create -q /run/g.cfg || fail "pvn create"
    wait_for 90 pv_gone g || { pv_trouble g; fail "it did not end by $1"; }
}
dumps=/var/lib/paravane/dumps
rm -rf $dumps
ends coredump-destroy
grep -q "g: its memory is in $dumps/g-" $pv_log || fail "the log: $(tail -3 $pv_log)"
has_banner "$(echo $dumps/g-*.core)" 2 || fail "$(ls -la $dumps)"
rm -rf $dumps
pvnd_kill
echo "crash-dumps = /run/small" > $pv_etc/paravane.conf
pvnd_start
ends coredump-destroy
rm $pv_etc/paravane.conf
grep -q 'g: no dump of its memory: /run/small has .* MiB left' $pv_log || fail "the log: $(tail -3 $pv_log)"
[ -z "$(ls /run/small)" ] || fail "left there: $(ls /run/small)"
umount /run/small
pvnd_kill
pvnd_start
want "nothing is left" test "$(pvn list --names)" = Domain-0
