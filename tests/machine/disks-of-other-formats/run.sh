# A disk in another format than raw: QEMU's storage daemon serves it, as a user
# who is let in at that image and nowhere else; kill -9 of it, of pvblkd and of
# both loses no write and shows the guest no error; a second guest does not get
# the image; what cannot be served is refused with a sentence; nothing is left.
# on: host
# secs: 240
# long: 1200
. /run/job/files/pv/lib.sh
. /run/job/files/tiny-lib.sh
[ -x /usr/bin/qemu-storage-daemon ] && [ -x /usr/bin/qemu-img ] || skip "no qemu-storage-daemon in this image"
ldconfig -p | grep -q 'libnbd\.so\.0' || skip "no libnbd in this image"
pv_up
images=/run/images
mkdir -p $images
image() { qemu-img create -q -f "$1" "$images/x.$1" 16M > /dev/null || fail "qemu-img create -f $1"; }
before=$(pv_left)
disk() { echo "disk=['format=$1, vdev=xvda, target=$images/x.$1']"; }
domid_of() { pvn list --json "$1" | sed -n 's/.*"domid": \([0-9]*\).*/\1/p' | head -1; }
pid_of() { read -r pid _ < "/run/paravane/children/$1" && echo "$pid"; }

# refuse WORDS DISK
refuse()
{
    local words=$1
    pv_guest bad kernel=$tiny_elf memory=8 "disk=['$2']" 'vif=[]'
    pvn create -q /run/bad.cfg > /run/err 2>&1 && fail "$2 was taken"
    grep -q "$words" /run/err && [ "$(wc -l < /run/err)" = 1 ] || fail "$2: says $(cat /run/err)"
}
say formats
for f in vmdk ${CYCLES:+vdi vhdx vpc qcow}; do
    image $f
    tiny "f$f" "blk-verify rounds=2 mib=1" "$(disk $f)"
    pvn destroy "f$f"
done
lists() { python3 -c 'import os, sys; print(*(p for p in sys.argv[1:] if "system.posix_acl_access" in os.listxattr(p)))' $images/x.*; }
[ -z "$(lists)" ] || fail "who was let in is in still: $(lists)"

say kills
image qcow2
tiny_create q "blk-verify rounds=0 mib=1" "$(disk qcow2)"
tiny_wait q "TINY blk-verify ready" 60
[ "$(lists)" = $images/x.qcow2 ] || fail "access lists: $(lists)"
storage=storage-$(domid_of q)-51712 blk=pvblkd-$(domid_of q)
pvn info q | grep -q 'disk .*xvda .*qcow2.*connected' || fail "pvn info: $(pvn info q | grep disk)"
uid=$((0x7fff0000 + $(domid_of q)))
grep -q "^Uid:.$uid.$uid.$uid.$uid" "/proc/$(pid_of $storage)/status" || fail "the daemon's user: $(grep Uid "/proc/$(pid_of $storage)/status")"
grep -q '^CapPrm:.0*$' "/proc/$(pid_of $storage)/status" || fail "the daemon has capabilities"
changed() { [ "$(pid_of "$1")" != "$2" ]; }
answers() { pvn info --json q | sed -n 's/.*"answers": \([0-9]*\).*/\1/p' | head -1; }
goes_on() { [ "$(answers)" -gt "$1" ]; }
for i in $(seq "${CYCLES:-6}"); do
    s=$(pid_of $storage) b=$(pid_of $blk)
    case $((i % 3)) in
    0) kill -9 "$s" "$b" ;;
    1) kill -9 "$s" ;;
    2) kill -9 "$b" ;;
    esac
    [ $((i % 3)) = 2 ] || wait_for 20 changed $storage "$s" || fail "the storage daemon is not started again"
    [ $((i % 3)) = 1 ] || wait_for 20 changed $blk "$b" || fail "pvblkd is not started again"
    n=$(answers)
    wait_for 30 goes_on "$n" || fail "the disk does not go on after kill $i"
    nap 1
done
s=$(pid_of $storage)
pvnd_kill
pvnd_start
[ "$(pid_of $storage)" = "$s" ] || fail "a new pvnd did not adopt the storage daemon"
refuse 'in use by' "$images/x.qcow2,qcow2,xvda,w"
qemu-img bench -f qcow2 -w -c 1 $images/x.qcow2 > /run/err 2>&1 && fail "another QEMU wrote to the image"
want "pvn shutdown" pvn shutdown q
tiny_end q 60
begin=$(date +%s%N)
qemu-storage-daemon --version > /dev/null
echo "NOTE $(grep -a 'TINY blk-verify ok' "$(tiny_log q)"); a storage daemon alone takes $((($(date +%s%N) - begin) / 1000000)) ms to say its version"
grep -aq 'bad-answers=0 connects=1 ' "$(tiny_log q)" || fail "the disk had to connect again, or gave senseless answers"
pvn destroy q
[ -z "$(lists)" ] || fail "who was let in before pvnd's end is in still: $(lists)"
qemu-img check -q $images/x.qcow2 > /run/out 2>&1 || [ $? = 3 ] || fail "the image is broken: $(cat /run/out)"

say refusals
refuse 'no such file' "$images/none.qcow2,qcow2,xvda,w"
head -c 1M /dev/urandom > $images/noise
refuse 'not in qcow2 format' "$images/noise,qcow2,xvda,w"
truncate -s 1M $images/base
qemu-img create -q -f qcow2 -F raw -b /run/images/base $images/child || fail "qemu-img create -b"
rm $images/base
refuse "images/base': No such file" "$images/child,qcow2,xvda,w"
refuse 'not understood' "format=raw, vdev=xvda, target=nbd:"
refuse 'Failed to connect\|Connection refused' "format=raw, vdev=xvda, target=nbd:127.0.0.1:1"
mkdir -p $images/private
cp $images/x.qcow2 $images/private/ && chmod 700 $images/private
refuse 'Permission denied.*folder' "$images/private/x.qcow2,qcow2,xvda,w"

say "a full disk"
mkdir -p $images/small
mount -t tmpfs -o size=2M none $images/small
qemu-img create -q -f qcow2 $images/small/x 16M
tiny_create full "blk-verify rounds=1 mib=8" "disk=['$images/small/x,qcow2,xvda,w']"
pv_wait full 'TINY (blk-verify )?(failed|died)|TINY blk-verify failed' 60
pvn destroy full
umount $images/small

[ "$(pv_left)" = "$before" ] || fail "left behind: $(diff <(echo "$before") <(pv_left))"
[ -z "$(ls /run/paravane/images)" ] || fail "left behind: $(ls /run/paravane/images)"
pgrep qemu-storage > /dev/null && fail "a storage daemon was left behind"
rm -r $images
