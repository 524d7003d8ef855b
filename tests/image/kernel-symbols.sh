#!/bin/bash
# kernel-symbols.sh VERSION OUT: the debug symbols of Debian's kernel, as
# OUT/vmlinux and OUT/System.map. Nearly a gigabyte is fetched, and removed again.
set -euo pipefail
version=${1:?usage: kernel-symbols.sh VERSION OUT} out=${2:?}
[ "$(cat "$out/version" 2> /dev/null)" = "$version" ] && exit
rm -rf "$out"
mkdir -p "$out"
cd "$out"
fetch() { apt-get -qq -o APT::Sandbox::User=root download "linux-image-$version-dbg"; }
fetch > log 2>&1 || { apt-get update -qq && fetch; } >> log 2>&1 || {
    cat log
    echo "kernel-symbols: cannot fetch linux-image-$version-dbg"
    exit 1
}
dpkg-deb --fsys-tarfile ./*.deb | tar -x --strip-components=5 --wildcards \
    "./usr/lib/debug/boot/vmlinux-$version" "./usr/lib/debug/boot/System.map-$version"
rm ./*.deb
mv "vmlinux-$version" vmlinux
mv "System.map-$version" System.map
echo "$version" > version
