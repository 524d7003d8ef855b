# Bad input ends with one clear sentence that names the thing, with a non-zero exit,
# and leaves nothing behind.
# on: host
# secs: 120
pv_up
truncate -s 16M /tmp/d1.img
pv_config good 'while sleep 1; do :; done' 'disk = ["/tmp/d1.img,raw,xvda,w"]' 'vif = [""]'
before=$(pv_state)
# wrong WHAT REGEX SED-EXPRESSION...
wrong()
{
    local what=$1 want=$2
    shift 2
    sed "$@" /tmp/good.cfg > /tmp/bad.cfg
    pvn create -q /tmp/bad.cfg > /tmp/out 2> /tmp/err && fail "$what: created"
    [ "$(wc -l < /tmp/err)" -le 2 ] || fail "$what: more than a sentence: $(cat /tmp/err)"
    grep -qE "$want" /tmp/err || fail "$what: $(cat /tmp/err)"
    pv_gone good || fail "$what: it is there"
}
wrong "no such kernel" '/none/vmlinuz' 's|^kernel.*|kernel = "/none/vmlinuz"|'
wrong "a kernel that is none" '/etc/passwd' 's|^kernel.*|kernel = "/etc/passwd"|'
head -c 3M "/boot/vmlinuz-$(uname -r)" > /tmp/half
wrong "half a kernel" '/tmp/half' 's|^kernel.*|kernel = "/tmp/half"|'
truncate -s 300M /tmp/huge
wrong "a ramdisk larger than the memory" '/tmp/huge|ramdisk' 's|^ramdisk.*|ramdisk = "/tmp/huge"|'
wrong "an open bracket" 'bad.cfg:[0-9]+:[0-9]+' 's|^memory.*|memory = [|'
wrong "a word for a number" 'memory' 's|^memory.*|memory = "much"|'
wrong "no such disk" '/tmp/none.img' 's|d1.img|none.img|'
wrong "no such bridge" 'nobr' 's|^vif.*|vif = ["bridge=nobr"]|'
wrong "too much memory" 'memory' 's|^memory.*|memory = 900000|'
mkfs.ext4 -q -F /tmp/mounted.img && mkdir -p /tmp/mnt && mount -o loop /tmp/mounted.img /tmp/mnt || fail "mount"
wrong "a disk mounted in dom0" 'mounted' 's|d1.img|mounted.img|'
umount /tmp/mnt

echo 'colour = "blue"' | cat /tmp/good.cfg - > /tmp/bad.cfg
pvn create -q /tmp/bad.cfg 2> /tmp/err || fail "an unknown key is no reason to refuse: $(cat /tmp/err)"
grep -q colour /tmp/err || fail "no warning of the unknown key: $(cat /tmp/err)"
pvn create -q /tmp/good.cfg 2> /tmp/err && fail "two of the same name"
grep -q good /tmp/err || fail "the name is not named: $(cat /tmp/err)"
sed 's/"good"/"other"/' /tmp/good.cfg > /tmp/other.cfg
pvn create -q /tmp/other.cfg 2> /tmp/err && fail "one disk for two"
grep -q 'd1.img' /tmp/err || fail "the disk is not named: $(cat /tmp/err)"
pvn destroy good || fail "destroy"

# The cache's disk is full: a warning at most, the guest is made.
mkdir -p /var/cache/paravane/kernels && mount -t tmpfs -o size=64k full /var/cache/paravane/kernels
pv_create good
pvn destroy good
umount /var/cache/paravane/kernels
wait_for 20 eval '[ "$(pv_state)" = "$before" ]' || fail "before: $before; after: $(pv_state)"
