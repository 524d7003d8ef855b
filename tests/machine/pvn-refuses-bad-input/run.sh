# What cannot be made is refused with one clear sentence and a number of its
# own, and leaves nothing.
# on: host
# soak-on: peer-host
# secs: 180
. /run/job/files/pv/lib.sh
pv_up
# The first guest of all makes directories that stay.
pv_guest bad
pvn create -q /run/bad.cfg && pvn destroy bad || fail "a guest that is good"
sleep 1
before=$(pv_left)
# refuse NUMBER WORDS key=value...: pvn create has to fail so.
refuse()
{
    local rc=$1 words=$2 got
    shift 2
    pv_guest bad "$@"
    pvn create -q /run/bad.cfg > /run/out 2> /run/err
    got=$?
    [ $got = "$rc" ] || fail "$*: exit $got instead of $rc: $(cat /run/err)"
    grep -q "$words" /run/err || fail "$*: says $(cat /run/err)"
}
refuse 8 'no such file' "disk=['/run/none.img,raw,xvda,w']"
refuse 8 'no bridge' 'vif=["bridge=nobridge"]'
refuse 7 'MiB' memory=900000
refuse 6 'bad.cfg:[0-9]*:' 'memory=['
refuse 1 '/etc/passwd' kernel=/etc/passwd
refuse 1 '/none' kernel=/none
head -c 100000 /srv/guest/vmlinux > /run/short
refuse 1 '/run/short' kernel=/run/short
truncate -s 300M /run/huge
refuse 7 'ramdisk' ramdisk='"/run/huge"'
mkfs.ext4 -q -F /run/bad.img; mkdir -p /run/mnt
mount -o loop /run/bad.img /run/mnt || fail "mount"
refuse 8 '/dev/loop' memory=128
umount /run/mnt
pv_guest bad colour=1
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
