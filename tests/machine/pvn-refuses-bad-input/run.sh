# What cannot be made is refused with one clear sentence and a number of its
# own, and leaves nothing.
# on: host
# soak-on: peer-host
# secs: 180
. /run/job/files/pv/lib.sh
pv_up
# The first guest of all makes directories that stay.
pv_transient bad
pvn create -q /run/bad.cfg && pvn destroy bad || fail "a guest that is good"
sleep 1
before=$(pv_left)
# refuse NUMBER WORDS key=value...: pvn create has to fail so, in one sentence.
refuse()
{
    local rc=$1 words=$2 got
    shift 2
    pv_guest bad "$@"
    pvn create -q /run/bad.cfg > /run/out 2> /run/err
    got=$?
    [ $got = "$rc" ] || fail "$*: exit $got instead of $rc: $(cat /run/err)"
    grep -q "$words" /run/err || fail "$*: says $(cat /run/err)"
    [ "$(cat /run/out /run/err | wc -l)" = 1 ] || fail "$*: more than a sentence: $(cat /run/out /run/err)"
}
say devices
refuse 8 'no such file' "disk=['/run/none.img,raw,xvda,w']"
refuse 8 'no bridge "nobridge"' 'vif=["bridge=nobridge"]'
mkfs.ext4 -q -F /run/bad.img; mkdir -p /run/mnt
mount -o loop /run/bad.img /run/mnt || fail "mount"
refuse 8 '/run/bad.img.*/dev/loop' memory=128
umount /run/mnt
pv_guest other kernel=/run/job/files/tiny.elf memory=8 "disk=['/run/bad.img,raw,xvda,w']" 'vif=[""]'
pvn create -pq /run/other.cfg || fail "a guest with the disk"
refuse 5 '/run/bad.img.*in use by.*other' memory=128
pvn destroy other
say kernels
refuse 1 'kernel /none does not exist' kernel=/none
refuse 1 '/etc/passwd' kernel=/etc/passwd
head -c 100000 /srv/guest/vmlinux > /run/short
refuse 1 '/run/short.*truncated' kernel=/run/short
k=/boot/vmlinuz-$(uname -r)
head -c 100000 "$k" > /run/shortz
refuse 1 '/run/shortz.*truncated' kernel=/run/shortz
refuse 1 'ramdisk /nord does not exist' 'ramdisk="/nord"'
truncate -s 300M /run/huge
refuse 7 'ramdisk.* need 3[0-9]* MiB' ramdisk='"/run/huge"'
rm /run/huge
say memory
refuse 7 'needs [0-9]* MiB of memory, [0-9]* MiB are free' memory=900000
refuse 7 'MiB: raise .memory' memory=8
say text
refuse 6 'bad.cfg:[0-9]*:10: this ... has no' 'memory=['
refuse 6 'bad.cfg:[0-9]*:14: expected the end of the line, found a number' 'memory=160 160'
refuse 6 'bad.cfg:[0-9]*:10: ' 'memory="much"'
refuse 6 'bad.cfg:[0-9]*:[0-9]*: .*nonsense' "disk=['/run/bad.img,raw,nonsense,w']"

# A full disk costs a warning, not the guest: what is unpacked is not kept.
say cache
mkdir -p /var/cache/paravane/kernels
mount -t tmpfs -o size=64k none /var/cache/paravane/kernels || fail "mount of a small cache"
{ cat "$k"; echo another; } > /run/vmlinuz
pv_guest bad kernel=/run/vmlinuz 'ramdisk="/srv/guest/guest-initrd"'
pvn create -q /run/bad.cfg 2> /run/err || fail "with a full cache: $(cat /run/err)"
grep -q 'warning: .*No space left' /run/err || fail "a full cache is not told: $(cat /run/err)"
pvn destroy bad
umount /var/cache/paravane/kernels

say names
pv_transient bad
echo 'colour = 1' >> /run/bad.cfg
pvn create -q /run/bad.cfg 2> /run/err || fail "an unknown key is no error: $(cat /run/err)"
grep -q colour /run/err || fail "no warning names the unknown key"
pvn create -q /run/bad.cfg 2> /run/err
[ $? = 4 ] || fail "a second guest of the name"
pvn destroy bad
for v in pause info console destroy reboot; do
    pvn $v nobody 2> /dev/null
    [ $? = 3 ] || fail "pvn $v of nobody"
done
pvn frobnicate 2> /dev/null
[ $? = 2 ] || fail "an unknown verb"
printf 'nonsense\n{"id":1,"method":"version","params":{"x":1}}\n' |
    socat - UNIX-CONNECT:/run/paravane/pvnd.sock > /run/out
grep -q 'not JSON' /run/out && grep -q 'no parameter' /run/out || fail "the socket takes nonsense"
pvnd 2> /run/err && fail "a second pvnd started"
grep -q 'another pvnd' /run/err || fail "a second pvnd says $(cat /run/err)"
after=$(pv_left)
[ "$before" = "$after" ] || fail "left behind: $(diff <(echo "$before") <(echo "$after") | grep '^[<>]' | tr '\n' ' ')"
