#!/bin/sh
# fetch.sh OUT: the source of Debian's lwIP, as liblwip-dev is built of it, in
# OUT/src. Where it cannot be fetched that is said, and OUT/.done tells make not to
# try each time (`make lwip` does).
#
# Few machines list source packages. So apt is given lists of its own for this one
# call, made of those that the machine has, in folders of its own; it checks
# Debian's signatures as always, and nothing of the machine changes.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d "$out/fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT
keys=/usr/share/keyrings/debian-archive-keyring.gpg

# "URI SUITE", where the machine has Debian's own packages from.
places()
{
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' \
        'Origin: Debian' 'Component: main' | sort -u
}

fetch()
{
    [ -n "$(places)" ] || apt-get -qq update
    places | sed "s,^,deb-src [signed-by=$keys] ,; s,\$, main," > "$work/sources.list"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/deb"
    cd "$work/deb"
    own="-o Dir::Etc::sourcelist=$work/sources.list -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists=$work/lists -o Dir::Cache=$work/cache
        -o APT::Sandbox::User=root -o Acquire::Languages=none"
    # shellcheck disable=SC2086
    apt-get -qq $own update
    # shellcheck disable=SC2086
    apt-get -qq $own --download-only source lwip
    # apt has compared the sums with the signed list.
    dpkg-source --no-check -x lwip_*.dsc "$work/src"
    sed -n 's/^Version: //p' lwip_*.dsc > "$out/version"
}

# Not in a condition: that would switch errexit off within it.
set +e
(set -e; fetch) > "$out/fetch.log" 2>&1
rc=$?
set -e
if [ $rc = 0 ]; then
    rm -rf "$out/src"
    mv "$work/src" "$out/src"
    echo "lwip: $(cat "$out/version") in $out/src"
else
    grep -m 1 "^[EW]:" "$out/fetch.log" || tail -1 "$out/fetch.log"
    echo "lwip: not fetched (all of it: $out/fetch.log); the tiny guest is built without TCP"
fi
touch "$out/.done"
