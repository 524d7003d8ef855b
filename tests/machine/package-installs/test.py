"""The Debian package on a whole Debian: installed, the machine reboots into it by
GRUB, pvn makes a guest with a disk and a network card; an upgrade leaves the guest
running; removal is refused while a guest runs, and afterwards leaves nothing."""
import os
import re
import shutil
import subprocess
import tempfile
import textwrap

import machine
import whole

# As on a machine whose owner gave no options: domain 0 begins with all memory.
INSTALL = "sed -i 's/ dom0_mem=[^ \"]*//' /etc/default/grub.d/zz-machine.cfg && " \
    "dpkg -i /run/job/paravane.deb && systemctl mask xen.service xendomains.service"
CHECK = r"""
export LC_ALL=C
fail() { journalctl -u pvnd -n 20 --no-pager; tail -n 5 /var/log/paravane/*.log; echo "VERDICT-FAIL $*"; exit 1; }
wait_for() { local end=$((SECONDS + $1 * SLOW)); shift; until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.5; done; }
said() { tr -d '\r' < /var/log/paravane/console-g.log | grep -q "$1"; }
wait_for 60 pvn list > /dev/null 2>&1 || fail "pvnd does not answer"
systemctl -q is-active pvnd || fail "the service is $(systemctl is-active pvnd)"
getent group paravane > /dev/null || fail "no group paravane"
truncate -s 16M /root/disk.img
cat > /root/g.cfg <<EOF
name = "g"
kernel = "/boot/vmlinuz-$(uname -r)"
ramdisk = "/srv/guest/guest-initrd"
memory = 160
disk = ["/root/disk.img,raw,xvda,rw"]
vif = [""]
extra = "console=hvc0 quiet job=$(base64 -w0 <<'EOF2'
echo GUEST-UP; n=0
printf '#!/bin/sh\n[ "$1" = bound ] && ip addr add $ip/$mask dev eth0 && ip route add default via $router && echo LEASE $ip' > /tmp/up
chmod +x /tmp/up; ip link set eth0 up; udhcpc -i eth0 -q -n -t 20 -T 1 -s /tmp/up
ping -c1 -W5 10.0.2.2 > /dev/null && echo WORLD
while sleep 1; do n=$((n + 1)); echo $n > /dev/xvda && sync && echo "TICK $n"; done
EOF2
)"
EOF
pvn create -q /root/g.cfg || fail "pvn create"
wait_for 60 said 'TICK 2' || fail "the guest does not write its disk"
said 'LEASE 10.77.0' || fail "the guest got no address"
said WORLD || fail "the guest does not reach the world"
state=$(systemctl is-system-running --wait)
[ "$state" = running ] || { systemctl --failed --no-legend; fail "systemd is $state"; }

# Upgrade: the same guest, the same daemons' guests, a new version.
dpkg -i /run/job/paravane-next.deb > /tmp/upgrade 2>&1 || { cat /tmp/upgrade; fail "upgrade"; }
wait_for 30 pvn list g > /dev/null 2>&1 || fail "no guest after the upgrade"
[ "$(dpkg-query -W -f '${Version}' paravane)" = "$NEXT" ] || fail "the version did not change"
n=$(tr -d '\r' < /var/log/paravane/console-g.log | grep -c TICK)
wait_for 30 said "TICK $((n + 4))" || fail "the guest stopped with the upgrade"

dpkg -r paravane > /tmp/remove 2>&1 && fail "removed under a running guest"
grep -q "guests still run: g" /tmp/remove || fail "the refusal does not name the guest: $(tail -1 /tmp/remove)"
pvn destroy g || fail "pvn destroy"
dpkg -P paravane > /tmp/remove 2>&1 || { cat /tmp/remove; fail "removal"; }
for p in pvnd pvstored pvblkd pvnetd pvconsoled; do
    ! pidof $p > /dev/null || fail "$p still runs"
done
left=$(ls -d /usr/sbin/pv{n,nd,stored,blkd,netd,consoled} /boot/xen-4.17-paravane.gz /etc/paravane/{paravane,networks}.conf /var/log/paravane /var/cache/paravane 2> /dev/null)
[ -z "$left" ] || fail "left behind: $left"
! grep -q paravane /boot/grub/grub.cfg || fail "GRUB still has the entry"
! ip link show pvnat0 > /dev/null 2>&1 || fail "the bridge is left"
echo VERDICT-OK
"""
NEXT = "0.1+next"


def packages():
    """The package as `make deb` made it, and the same with a higher version."""
    out = os.path.join(machine.ROOT, "build")
    deb = next(f for f in sorted(os.listdir(out)) if f.startswith("paravane_") and f.endswith("_amd64.deb"))
    with open(os.path.join(out, deb), "rb") as f:
        first = f.read()
    work = tempfile.mkdtemp(prefix="pv-deb-")
    try:
        tree = os.path.join(work, "tree")
        subprocess.run(["dpkg-deb", "-R", os.path.join(out, deb), tree], check=True)
        control = os.path.join(tree, "DEBIAN", "control")
        with open(control) as f:
            lines = [f"Version: {NEXT}\n" if line.startswith("Version:") else line for line in f]
        with open(control, "w") as f:
            f.writelines(lines)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, os.path.join(work, "next.deb")], check=True,
                       stdout=subprocess.DEVNULL)
        with open(os.path.join(work, "next.deb"), "rb") as f:
            return first, f.read()
    finally:
        shutil.rmtree(work)


def installs(ctx, log):
    first, following = packages()
    disk = log.replace(".log", ".qcow2")
    try:
        whole.install(ctx, log, disk, INSTALL, {"paravane.deb": first})
        whole.boot(ctx, log, disk, f"export NEXT={NEXT}\n" + CHECK, {"paravane-next.deb": following}, machine="q35")
    finally:
        os.unlink(disk)


# What somebody types who follows the README; only the answers apt asks for and
# the hands on the guest's console are ours.
README = r'''
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
cd /root
fail() { echo "VERDICT-FAIL $*"; exit 1; }
echo 'APT::Get::Assume-Yes "true";' > /etc/apt/apt.conf.d/90yes
until pvn list > /dev/null 2>&1; do sleep 1; done
apt-get update > /dev/null || fail "the mirror cannot be reached"
( STEPS ) 3>&1 > steps.log 2>&1 || { tail -n 20 steps.log; fail "the steps before pvn create"; }
type_in() {
    until grep -q 'login:' console.log; do sleep 1; done
    printf 'root\n'; sleep 10
    printf 'ping -c1 -W20 10.0.2.2 > /dev/null && echo WOR""LD; echo TYP""ED\n'
    until grep -q TYPED console.log; do sleep 1; done
    printf '\035'
}
touch console.log
type_in | CREATE > console.log 2>&1 || { cat console.log; fail "pvn create -c"; }
grep -q WORLD console.log || { cat console.log; fail "the guest does not reach the world"; }
pvn shutdown g || fail "pvn shutdown"
timeout $((120 * SLOW)) sh -c 'while pvn list g > /dev/null 2>&1; do sleep 1; done' || fail "the guest is still there"
echo VERDICT-OK
'''
README_SECS = 2400       # an emulated machine installs a Debian


def readme_is_true(ctx, log):
    """The README's own lines make the guest that it promises."""
    with open(os.path.join(machine.ROOT, "README.md")) as f:
        block = re.search(r"^ *apt install mmdebstrap.*?^ *pvn create -c g.cfg$", f.read(), re.M | re.S)[0]
    *steps, create = textwrap.dedent(block).splitlines()
    script = README.replace("STEPS", "BASH_XTRACEFD=3; set -ex\n" + "\n".join(steps) + "\n").replace("CREATE", create)
    disk = log.replace(".log", ".qcow2")
    try:
        whole.install(ctx, log, disk, INSTALL, {"paravane.deb": packages()[0]})
        whole.boot(ctx, log, disk, script, {}, secs=README_SECS, machine="q35")
    finally:
        os.unlink(disk)


def cases(_ctx):
    opts = dict(only="paravane", soak=True)
    return [("", installs, dict(secs=200, **opts)), ("readme", readme_is_true, dict(secs=README_SECS, **opts))]
