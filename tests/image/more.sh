#!/bin/bash
# more.sh TREE OUT PACKAGE...: unpack Debian's packages, and what they need that the
# image's TREE lacks, into OUT/tree, for a test that copies it over its dom0. None
# of their scripts run.
set -euo pipefail
tree=$(cd "${1:?usage: more.sh TREE OUT PACKAGE...}" && pwd) out=${2:?} && shift 2
mkdir -p "$out"
out=$(cd "$out" && pwd)
[ "$(cat "$out/packages" 2> /dev/null)" = "$*" ] && exit
rm -rf "$out"/debs "$out"/tree
mkdir -p "$out"/debs/partial
get() {
    apt-get -qq -y -o Dir::State::status="$tree/var/lib/dpkg/status" -o Dir::Cache::archives="$out/debs" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root --no-install-recommends --download-only install "$@"
}
get "$@" > "$out/log" 2>&1 || { apt-get update -qq && get "$@"; } >> "$out/log" 2>&1 ||
    { cat "$out/log"; echo "more: cannot fetch $*"; exit 1; }
for d in "$out"/debs/*.deb; do dpkg-deb -x "$d" "$out/tree"; done
# As merged as the image is.
cp -a "$out/tree"/lib/. "$out/tree/usr/lib/" 2> /dev/null || true
rm -rf "$out"/tree/lib "$out/tree"/usr/share/{doc,man,locale} "$out/debs"
echo "$*" > "$out/packages"
