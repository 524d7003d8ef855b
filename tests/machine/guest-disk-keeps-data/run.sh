# What a guest writes to its disk is what dom0 finds there, and what the next
# guest reads.
# on: q35x2
# secs: 200
xen_up
truncate -s 96M /tmp/disk.img
mkfs.ext4 -q -F /tmp/disk.img
disk="[ 'format=raw,vdev=xvda,access=rw,target=/tmp/disk.img' ]"
guest_create writer disk="$disk" vcpus=2 job='mount -t ext4 /dev/xvda /mnt && cd /mnt
for i in 1 2 3 4; do head -c 2M /dev/urandom > f$i & done; wait; sync
cd /mnt && sha256sum f1 f2 f3 f4 > sums; cat sums; cd /; umount /mnt && echo WRITTEN'
guest_wait writer WRITTEN 90
guest_wait_gone writer 30
mkdir -p /tmp/m
want "dom0 cannot mount the guest's disk" mount -o loop,ro /tmp/disk.img /tmp/m
(cd /tmp/m && sha256sum -c sums) || fail "dom0 reads other data"
umount /tmp/m
guest_create reader disk="$disk" job='mount -t ext4 -o ro /dev/xvda /mnt && cd /mnt && sha256sum -c sums && echo VERIFIED'
guest_wait reader VERIFIED 60
guest_wait_gone reader 30
