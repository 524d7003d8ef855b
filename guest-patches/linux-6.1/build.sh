#!/bin/sh
# build.sh OUT [COUNT]: OUT/vmlinux, a PV guest kernel of Debian's linux-source-6.1
# with the first COUNT patches of the series (all, if not said). What is in OUT
# from before is used again: a change builds what it touches.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
all=$(ls "$here"/*.patch | wc -l)
count=${2:-$all}
src=$out/src obj=$out/obj applied=$out/applied

fetch()
{
    rm -rf "$out/deb" "$src" "$applied"
    mkdir -p "$out/deb"
    cd "$out/deb"
    get="apt-get -qq -o APT::Sandbox::User=root download linux-source-6.1"
    $get || { apt-get -qq update && $get; }
    dpkg -x linux-source-6.1_*.deb .
    mkdir "$src.new"
    tar -C "$src.new" --strip-components=1 -xf usr/src/linux-source-6.1.tar.xz
    basename linux-source-6.1_*.deb > "$out/version"
    cd "$out"
    rm -rf deb
    mv "$src.new" "$src"
}

# The patches that are in the source lie in `applied` as they went in, so that they
# come out again when the series has changed.
on() { patch -d "$src" -p1 -s --no-backup-if-mismatch "$@"; }
series()
{
    mkdir -p "$applied"
    want=$(ls "$here"/*.patch | head -n "$count")
    keep=0
    for p in $want; do
        cmp -s "$p" "$applied/${p##*/}" || break
        keep=$((keep + 1))
    done
    for p in $(ls -r "$applied"); do
        [ "$(ls "$applied" | wc -l)" -gt $keep ] || break
        on -R -i "$applied/$p"
        rm "$applied/$p"
    done
    for p in $(echo "$want" | tail -n +$((keep + 1))); do
        on --dry-run -i "$p" > /dev/null || { echo "build: ${p##*/} does not apply to $(cat "$out/version")"; exit 1; }
        on -i "$p"
        cp "$p" "$applied/"
    done
}

[ -d "$src" ] || { echo "build: fetching linux-source-6.1"; fetch; }
series
kbuild() { make -s -C "$src" ARCH=x86_64 O="$obj" "$@"; }
mkdir -p "$obj"
if ! cmp -s "$here/config" "$obj/fragment"; then
    kbuild KCONFIG_ALLCONFIG="$here/config" allnoconfig
    cp "$here/config" "$obj/fragment"
else
    kbuild olddefconfig
fi
grep -o '^CONFIG_[A-Z0-9_]*=.*' "$here/config" | grep -vxFf "$obj/.config" &&
    { echo "build: these settings did not take"; exit 1; }
kbuild -j "$(nproc)" vmlinux
cp "$obj/vmlinux" "$out/vmlinux"
echo "build: $out/vmlinux, $(cat "$out/version"), $count of $all patches"
