#!/bin/bash
# package.sh BUILD VERSION: a Debian package of the hypervisor and the host
# domain in BUILD. `make deb` has built all of it.
set -euo pipefail
build=$1 version=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$build/package
rm -rf "$root"
make --no-print-directory -s install DESTDIR="$root" BUILD="$build"
install -d "$root/boot" "$root/etc/default/grub.d" "$root/DEBIAN" \
    "$root/usr/share/doc/paravane"
gzip -9nc "$build/paravane.elf" > "$root/boot/xen-4.17-paravane.gz"
install -m 644 "$here/grub.cfg" "$root/etc/default/grub.d/paravane.cfg"
install -m 644 LICENSE "$root/usr/share/doc/paravane/copyright"
install -m 644 README.md "$root/usr/share/doc/paravane/"
find "$root/usr/share/man" -type f -exec gzip -9n {} +

# Whoever has the libraries that the programs name.
depends=$(objdump -p "$root"/usr/sbin/pv* | awk '$1 == "NEEDED" { print $2 }' |
    sort -u | while read -r lib; do
        dpkg-query -S "*/$lib" | sed -n '1s/:.*//p'
    done | sort -u | paste -sd, | sed 's/,/, /g')
sed -e "s/@VERSION@/$version/" -e "s/@DEPENDS@/$depends/" \
    "$here/debian/control.in" > "$root/DEBIAN/control"
for f in postinst prerm postrm; do
    install -m 755 "$here/debian/$f" "$root/DEBIAN/$f"
done
(cd "$root" && find etc -type f | sed 's|^|/|') > "$root/DEBIAN/conffiles"
dpkg-deb --root-owner-group -b "$root" "$build/paravane_${version}_amd64.deb" > /dev/null
echo "$build/paravane_${version}_amd64.deb"
