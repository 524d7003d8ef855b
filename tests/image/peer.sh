#!/bin/bash
# peer.sh OUT: fetch the real Xen 4.17, what we are compared with, as OUT/xen.elf.
# Debian's package is only unpacked, never installed: its scripts would make Xen
# the machine's next boot.
set -euo pipefail
out=${1:?usage: peer.sh OUT}
package=xen-hypervisor-4.17-amd64
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d "$out/fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 . # apt downloads as a user of its own
fetch() { apt-get download -qq "$package" > fetch.log 2>&1; }
# The host's list may name a version that the mirror has replaced since.
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
fetch || { $sudo apt-get update -qq && fetch; } ||
    { cat fetch.log; echo "peer: $package cannot be fetched (Debian 12 has it)"; exit 1; }
dpkg -x "$package"_*.deb tree
zcat tree/boot/xen-4.17-amd64.gz > xen.elf
dpkg-deb -f "$package"_*.deb Version > "$out/version"
mv xen.elf "$out/xen.elf"
echo "peer: Xen $(cat "$out/version") in $out/xen.elf"
