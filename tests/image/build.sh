#!/bin/bash
# build.sh OUT: make the dom0 image and what goes with it in OUT (see README.md).
# Each step leaves a stamp, so that an interrupted run goes on where it was.
set -euo pipefail
out=${1:?usage: build.sh OUT}
here=$(cd "$(dirname "$0")" && pwd)
mirror=${MIRROR:-http://deb.debian.org/debian}
security=${MIRROR_SECURITY:-http://deb.debian.org/debian-security}
mkdir -p "$out"
out=$(cd "$out" && pwd)
tree=$out/tree
start=$SECONDS

say() { printf 'image: [%3d s] %s\n' $((SECONDS - start)) "$*"; }

# step NAME FILE...: run step_NAME unless it ran with these very files.
step() {
    local name=$1 sum
    shift
    sum=$(cat "$@" | sha256sum)$(declare -f "step_$name" | sha256sum)
    [ "$(cat "$out/stamp-$name" 2>/dev/null)" = "$sum" ] && return
    say "$name (log: $out/$name.log)"
    rm -f "$out"/stamp-"$name"
    # A step that runs makes those after it run again.
    sed -n "/^step $name /,\$s/^step \([a-z]*\) .*/\1/p" "$0" |
        while read -r later; do rm -f "$out/stamp-$later"; done
    # Not in a condition: that would switch errexit off within the step.
    local rc=0
    set +e
    (set -e; "step_$name") > "$out/$name.log" 2>&1
    rc=$?
    set -e
    if [ $rc -ne 0 ]; then
        tail -5 "$out/$name.log"
        say "$name FAILED"
        exit 1
    fi
    echo "$sum" > "$out/stamp-$name"
}

step_packages()
{
    rm -rf "$tree"
    mmdebstrap --variant=minbase --skip=check/empty \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include="$(grep -v '^#' "$here/packages.txt" | paste -sd,)" \
        bookworm "$tree" "deb $mirror bookworm main" \
        "deb $mirror bookworm-updates main" \
        "deb $security bookworm-security main"
    basename "$tree"/boot/vmlinuz-* | sed s/vmlinuz-// > "$out/kver"
}

step_kernel()
{
    local kver
    kver=$(cat "$out/kver")
    cp "$tree/boot/vmlinuz-$kver" "$out/vmlinuz"
    cp "$tree/boot/initrd.img-$kver" "$out/initrd.img"
    "$here/vmlinux.py" "$out/vmlinuz" "$out/vmlinux"
    "$here/ramdisk.sh" "$tree" "$kver" "$here/quick-init" "$out/quick-initrd" \
        virtio_pci virtio_blk ext4 crc32c_generic
    "$here/ramdisk.sh" "$tree" "$kver" "$here/guest-init" "$out/guest-initrd" \
        xen-blkfront xen-netfront ext4 crc32c_generic
}

step_tree()
{
    cp -a "$here/tree/." "$tree/"
    chown -R 0:0 "$tree/etc/systemd" "$tree/etc/default" "$tree/etc/paravane" "$tree/dom0-init"
    install -m 755 "$here/grub-init" "$tree/grub-init"
    mkdir -p "$tree/boot/efi" "$tree/boot/grub" "$tree/srv/guest"
    cp "$out/vmlinux" "$out/guest-initrd" "$tree/srv/guest/"
    chroot "$tree" passwd -d root
    chroot "$tree" systemctl enable systemd-networkd systemd-timesyncd
    # The whole boots are timed; what only serves a machine that lives on waits.
    chroot "$tree" systemctl mask apt-daily.timer apt-daily-upgrade.timer \
        e2scrub_all.timer fstrim.timer
    rm -f "$tree/etc/resolv.conf" "$tree/var/lib/dbus/machine-id"
    echo "nameserver 10.0.2.3" > "$tree/etc/resolv.conf"
}

# GPT: a BIOS boot partition, an ESP, the root. No loop device is needed.
step_disk()
{
    local img=$out/disk.new esp=$((64 << 20)) root=$((128 << 20))
    rm -f "$img"
    truncate -s 4G "$img"
    sfdisk -q "$img" <<P
label: gpt
start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649
start=$((esp / 512)), size=$(((root - esp) / 512)), type=uefi
start=$((root / 512)), type=linux
P
    mkfs.vfat -F 16 -n DOM0ESP --offset $((esp / 512)) "$img" $(((root - esp) / 1024))
    mkfs.ext4 -q -F -L dom0root -E offset=$root,lazy_itable_init=1 \
        -d "$tree" "$img" $((((4 << 30) - root - (1 << 20)) / 1024))k
    timeout 300 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 1024 \
        -smp 2 -display none -serial stdio -monitor none -no-reboot \
        -kernel "$out/vmlinuz" -initrd "$out/quick-initrd" \
        -append "console=ttyS0 quiet panic=-1 quickinit=/grub-init" \
        -drive file="$img",if=virtio,format=raw,cache=unsafe < /dev/null |
        tee "$out/grub-console.log"
    grep -q GRUB-INSTALLED "$out/grub-console.log"
    mv "$img" "$out/disk.img"
}

step packages "$here/packages.txt"
step kernel "$here"/{vmlinux.py,ramdisk.sh,quick-init,guest-init} "$out/kver"
step tree $(find "$here/tree" -type f | sort) "$here/grub-init"
step disk "$here/grub-init"
say "ready in $out: Debian $(cat "$tree/etc/debian_version"), kernel $(cat "$out/kver")"
