#!/bin/bash
# initrd.sh IMAGE BIN OUT: the demo's dom0, a ramdisk that is the whole system:
# busybox, Debian's kernel modules, our programs with the libraries they need,
# and what the guests boot. Nothing of Debian's Xen userland is in it but the
# libraries that carry calls to the kernel (libxencall and its sisters).
set -euo pipefail
image=$1 bin=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
tree=$image/tree
kver=$(cat "$image/kver")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{bin,sbin,usr/bin,usr/sbin,dev,proc,sys,run,tmp,etc/paravane,root,srv,modules.d} \
    "$work"/var/{lib,log,cache}/paravane
install -m 755 "$tree/bin/busybox" "$work/bin/busybox"
install -m 755 "$here/init" "$work/init"
install -m 644 "$here/story.sh" "$work/srv/story.sh"
printf 'root:x:0:0:root:/root:/bin/sh\n' > "$work/etc/passwd"
printf 'root:x:0:\nparavane:x:900:\n' > "$work/etc/group"

install -m 755 "$bin"/pv* "$work/usr/sbin/"
cp -r "$here/etc/." "$work/etc/paravane/"
ldd "$bin"/pv* | awk '/=> \// { print $3 } /^\t\/lib/ { print $1 }' | sort -u |
    while read -r lib; do
        case $lib in *libxenctrl* | *libxenguest* | *libxenlight* | *libxenstore*)
            echo "a program needs ${lib##*/}, which we replace" >&2
            exit 1 ;;
        esac
        install -D -m 755 "$lib" "$work$lib"
    done

for m in virtio_pci virtio_blk virtio_net tun bridge loop xen-evtchn xen-gntdev \
    xen-gntalloc xen-privcmd xenfs nf_tables nft_masq nft_chain_nat; do
    modprobe -d "$tree" -S "$kver" --show-depends "$m"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r ko; do
    cp "$ko" "$work/modules.d/"
    echo "/modules.d/${ko##*/}"
done > "$work/modules"

# What the guests boot and serve: the distribution's kernel as it comes.
cp "$image/vmlinuz" "$image/guest-initrd" "$work/srv/"
# What `pvn run` can take as a guest's root.
install -D -m 755 "$tree/bin/busybox" "$work/srv/root/bin/busybox"
for c in sh ls cat echo sleep mount; do ln -s busybox "$work/srv/root/bin/$c"; done
mkdir -p "$work/www"
for i in 1 2 3 4; do head -c 2M /dev/urandom > "$work/www/file$i"; done
(cd "$work/www" && sha256sum file? > SHA256SUMS)
cp "$work/www/SHA256SUMS" "$work/srv/"
truncate -s 12M "$work/srv/server.img"
mkfs.ext4 -q -F -O ^has_journal -d "$work/www" "$work/srv/server.img"
rm -r "$work/www"

mknod -m 600 "$work/dev/console" c 5 1
(cd "$work" && find . | cpio -o -H newc --quiet) | gzip -1 > "$out.new"
mv "$out.new" "$out"
