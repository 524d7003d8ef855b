# bootloader = "pygrub": Debian's PV GRUB in the guest reads the guest's own
# disk and boots the kernel its grub.cfg names; domain 0 never looks into it.
# soak-on: host
# secs: 200
. /run/job/files/pv/lib.sh
pv_up
grub=/usr/lib/grub-xen/grub-x86_64-xen.bin
[ -e $grub ] || skip "the dom0 image lacks the package grub-xen-host"

# A disk as Debian's installer leaves it: one partition, /boot on it.
k=$(uname -r) uuid=6ec6bf5c-18a6-4fd3-b9a7-0b1f1d9f0c11
tree=/run/guest-tree
mkdir -p $tree/boot/grub
cp "/boot/vmlinuz-$k" $tree/boot/
cp /srv/guest/guest-initrd "$tree/boot/initrd.img-$k"
job=$(base64 -w0 <<'E'
echo "OWN $(uname -r) $(cat /sys/class/block/xvda1/size)"; mkdir /d
mount -t ext4 /dev/xvda1 /d && echo WRITTEN > /d/note; umount /d; echo DONE
E
)
cat > $tree/boot/grub/grub.cfg <<E
set default="0"
if [ x"\$feature_menuentry_id" = xy ]; then menuentry_id_option="--id"; fi
insmod gzio
insmod part_msdos
insmod ext2
search --no-floppy --fs-uuid --set=root $uuid
set timeout_style=menu
set timeout=0
menuentry 'Debian GNU/Linux' --class debian \$menuentry_id_option 'gnulinux-simple' {
	if [ x\$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	echo	'Loading Linux $k ...'
	linux	/boot/vmlinuz-$k root=UUID=$uuid ro quiet console=hvc0 job=$job
	initrd	/boot/initrd.img-$k
}
E
image=/run/own.img
truncate -s 65M $image
# One entry of the old partition table: type 83, sectors 2048 to the end.
printf '\200\0\0\0\203\0\0\0\0\010\0\0\0\0\002\0' | dd of=$image bs=1 seek=446 conv=notrunc status=none
printf '\125\252' | dd of=$image bs=1 seek=510 conv=notrunc status=none
mke2fs -q -t ext4 -U $uuid -d $tree -E offset=1048576 $image 64M || fail "mke2fs"

cat > /run/own.cfg <<E
name = "own"
bootloader = "pygrub"
memory = 256
disk = ["$image,raw,xvda,w"]
E
mv $grub $grub.away
pvn create -q /run/own.cfg 2> /run/err
rc=$?
mv $grub.away $grub
[ $rc = 1 ] && grep -q 'install the package grub-xen-host' /run/err || fail "without PV GRUB: exit $rc, $(cat /run/err)"
pvn list own > /dev/null 2>&1 && fail "without PV GRUB something is left"

pvn create -q /run/own.cfg || fail "pvn create"
pv_wait own "OWN $k 131072" 150
pv_wait own DONE 60
wait_for 20 pv_gone own || fail "the guest does not end"
debugfs -R 'cat /note' "$image?offset=1048576" 2> /dev/null | grep -q WRITTEN || fail "what the guest wrote is not on its disk"
sed -i 's/pygrub/eliloader/' /run/own.cfg
pvn create -q /run/own.cfg 2> /run/err && fail "an unknown bootloader"
grep -q 'eliloader.*pygrub' /run/err || fail "an unknown bootloader: $(cat /run/err)"
rm -rf $image $tree
