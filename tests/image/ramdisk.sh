#!/bin/bash
# ramdisk.sh TREE KVER INIT OUT MODULE...: a small initramfs of busybox, the
# modules with all they need (in loading order, named in /modules), and INIT.
set -euo pipefail
tree=$1 kver=$2 init=$3 out=$4
shift 4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{bin,dev,proc,sys,root,modules.d}
install -m 755 "$tree/bin/busybox" "$work/bin/busybox"
install -m 755 "$init" "$work/init"
for m in "$@"; do
    modprobe -d "$tree" -S "$kver" --show-depends "$m"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r ko; do
    cp "$ko" "$work/modules.d/"
    echo "/modules.d/${ko##*/}"
done > "$work/modules"
mknod -m 600 "$work/dev/console" c 5 1
(cd "$work" && find . | cpio -o -H newc --quiet) | gzip -1 > "$out.new"
mv "$out.new" "$out"
