#!/bin/sh
# deps.sh [PACKAGE...]: install what building and testing need, and those named,
# if anything is missing (Debian 12).
set -eu
packages="gcc make libc6-dev binutils dpkg-dev clang libclang-rt-14-dev clang-format clang-tidy cppcheck git
libxen-dev liblzma-dev zlib1g-dev libzstd-dev liblz4-dev libcmocka-dev
libevent-dev libjansson-dev liburing-dev libnbd-dev libelf-dev libnl-route-3-dev
libbz2-dev liblzo2-dev libmd-dev spin
qemu-system-x86 qemu-utils ovmf mmdebstrap e2fsprogs dosfstools mtools fdisk
grub-common grub-pc-bin grub-efi-amd64-bin xorriso busybox-static cpio kmod
python3 gzip xz-utils $*"
missing=
for p in $packages; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $p"
done
[ -z "$missing" ] && exit 0
echo "deps: installing$missing"
sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || { echo "deps: run this as root"; exit 1; }
    sudo=sudo
fi
apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq"
$apt update
# shellcheck disable=SC2086
$apt install -y --no-install-recommends $missing > /dev/null
