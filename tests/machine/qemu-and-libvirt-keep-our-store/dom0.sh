# In dom0: KILLS times the store is killed while QEMU, xl, xenconsoled and libvirtd
# hold connections to it.
. /run/job/lib.sh
cd /run
fail()
{
    tail -n 5 /var/log/xen/*.log /var/log/paravane/pvstored.log /run/libvirtd.log 2> /dev/null
    ps -eo pid,stat,wchan:20,args | grep -E 'x[el]|v[ir]|qe[m]u'
    echo "VERDICT-FAIL $*"
    exit 1
}
job=/run/job
cp -a $job/more/usr/. /usr/ && cp -a $job/more/etc/. /etc/ && ldconfig
rm -f $(ls /usr/lib/x86_64-linux-gnu/libvirt/connection-driver/* | grep -v libxl)
modprobe -a xen-gntdev xen-gntalloc xen-evtchn xen-privcmd xenfs xen-blkback loop unix_diag
mount -t xenfs xenfs /proc/xen

store_start()
{
    $job/pvstored -p /run/store.pid || fail "pvstored does not start"
    store=$(cat /run/store.pid)
    wait_for 20 timeout 5 xenstore-exists / || fail "pvstored does not answer"
}
dead() { ! kill -0 "$store" 2> /dev/null; }
# store_kill [SECONDS]: it is missed for so long.
store_kill()
{
    kill -9 "$store"
    wait_for 10 dead || fail "pvstored outlives kill -9"
    sleep "${1:-0.1}"
    store_start
}

# Whatever waits for an answer that does not come is a failure with a name.
patient() { timeout $((90 * SLOW)) "$@"; }

# What every guest does: write its disk, read it back from there; use a second one.
work='n=0
while :; do
    n=$((n + 1))
    head -c 65536 /dev/urandom > /tmp/a
    for d in /dev/xvda /dev/xvdb; do
        [ -b $d ] || continue
        dd if=/tmp/a of=$d bs=64k conv=fsync 2> /dev/null || [ ! -b $d ] || echo BAD write
        echo 3 > /proc/sys/vm/drop_caches
        dd if=$d of=/tmp/b bs=64k count=1 2> /dev/null
        cmp -s /tmp/a /tmp/b || [ ! -b $d ] || echo BAD read
        echo "ROUND $d $n"
    done
    [ -b /dev/xvdb ] || echo ALONE
    sleep 0.2
done'
qdisk() { truncate -s 16M "/run/$1.img"; echo "format=raw,vdev=$2,access=rw,backendtype=qdisk,target=/run/$1.img"; }
count() { guest_log "$1" | grep -ac "$2"; }
more() { [ "$(count "$1" "$2")" -ge "$3" ]; }
# goes_on GUEST WHAT WHEN: three more of its lines.
goes_on() { wait_for 60 more "$1" "$2" $(($(count "$1" "$2") + 3)) || fail "$1: no $2 $3: $(guest_log "$1" | tail -2)"; }
# Its connections to the store: who lost one and made another has other sockets.
sockets()
{
    ss -xnH | sed -n 's|.*xenstored/socket  *[0-9]*  *\*  *\([0-9]*\).*|socket:[\1]|p' | sort > /run/conns
    ls -l "/proc/$1/fd" 2> /dev/null | grep -o 'socket:.*' | sort | comm -12 - /run/conns
}

store_start
xen-init-dom0 || fail xen-init-dom0
mkdir -p $guest_logs
xenconsoled --log=guest --log-dir=$guest_logs
guest_config g disk="['$(qdisk g xvda)']" job="$work"
patient xl create -q /run/g.cfg || fail "xl create g: no"
goes_on g 'ROUND /dev/xvda' "at first"
say "xl's guest writes its disk by QEMU"

# libvirt, without what its packages' scripts would have made.
cat > /run/libvirtd.conf <<'C'
unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:file:/run/libvirtd.log"
C
echo 'autoballoon = 0' > /etc/libvirt/libxl.conf
libvirtd -d -f /run/libvirtd.conf || fail "libvirtd does not start"
v() { patient virsh -q -c xen:///system "$@"; }
v_up() { v list > /dev/null 2>&1; }
wait_for 60 v_up || fail "libvirtd: $(v list 2>&1 | tail -1)"
qdisk v xvda > /dev/null
cat > /run/v.xml <<X
<domain type='xen'><name>v</name><memory unit='MiB'>160</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='xenpv'>linux</type><kernel>/srv/guest/vmlinux</kernel>
<initrd>/srv/guest/guest-initrd</initrd>
<cmdline>console=hvc0 quiet panic=-1 job=$(printf %s "$work" | base64 -w0)</cmdline></os>
<on_poweroff>destroy</on_poweroff>
<devices><emulator>/usr/libexec/xen-qemu-system-i386</emulator>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/run/v.img'/>
<target dev='xvda' bus='xen'/></disk>
<console type='pty'><target type='xen'/></console></devices></domain>
X
v create /run/v.xml > /run/virsh.out 2>&1 || fail "virsh create: $(tail -1 /run/virsh.out)"
goes_on v 'ROUND /dev/xvda' "at first"
say "libvirt's guest writes its disk by QEMU"

clients="$(pgrep -f /usr/libexec/xen-qemu-system-i386) $(pgrep -x xl) $(pgrep -x libvirtd) $(pgrep -x xenconsoled)"
for p in $clients; do
    sockets "$p" > "/run/sockets.$p"
    [ -s "/run/sockets.$p" ] || fail "$(cat "/proc/$p/comm") has no connection"
    say "$p $(tr '\0' ' ' < "/proc/$p/cmdline" | cut -c1-60) has $(wc -l < "/run/sockets.$p") of them"
done
say "$(timeout 5 $job/pvstore -s control clients | wc -l) lines of clients"

for k in $(seq "$KILLS"); do
    case $((k % 4)) in
    0) # While a disk is attached: QEMU hears of it by a watch it set long ago.
        patient xl block-attach g "$(qdisk b xvdb)" > /run/attach.out 2>&1 &
        a=$!
        sleep 0.$((k % 9))
        store_kill
        wait $a || fail "kill $k: block-attach: $(tail -1 /run/attach.out)"
        goes_on g 'ROUND /dev/xvdb' "after kill $k"
        ;;
    1) # While it is detached, if there is one.
        patient xl block-detach g xvdb > /run/detach.out 2>&1 &
        a=$!
        sleep 0.$((k % 9))
        store_kill
        wait $a
        goes_on g ALONE "after kill $k"
        ;;
    2) # While a guest is made.
        guest_config h disk="['$(qdisk h xvda)']" job="$work"
        rm -f $guest_logs/guest-h.log
        patient xl create -q /run/h.cfg > /run/create.out 2>&1 &
        a=$!
        sleep 0.$((k % 9))
        store_kill
        wait $a || fail "kill $k: xl create: $(tail -1 /run/create.out)"
        goes_on h 'ROUND /dev/xvda' "after kill $k"
        patient xl destroy h || fail "kill $k: xl destroy"
        ;;
    3) store_kill 0.5 ;;
    esac
    goes_on g 'ROUND /dev/xvda' "after kill $k"
    goes_on v 'ROUND /dev/xvda' "after kill $k"
    v domstate v > /run/virsh.out 2>&1 || fail "kill $k: virsh: $(tail -1 /run/virsh.out)"
    say "kill $k: all go on"
done
# QEMU has one more for each disk that it was given since.
for p in $clients; do
    lost=$(sockets "$p" | comm -13 - "/run/sockets.$p")
    [ -z "$lost" ] || fail "process $p has lost connections: $lost"
done
! guest_said g BAD && ! guest_said v BAD || fail "a guest read what it had not written"
say "$KILLS kills, the same connections"

# Each hears of a guest's end: xl's process and QEMU of g go, libvirt forgets v.
patient xl shutdown -w g > /run/xl.out 2>&1 || fail "xl shutdown: $(tail -1 /run/xl.out)"
nobody() { ! pgrep -x xl > /dev/null; }
wait_for 30 nobody || fail "xl still waits for a guest that is gone"
v shutdown v > /run/virsh.out 2>&1 || fail "virsh shutdown: $(tail -1 /run/virsh.out)"
forgotten() { [ -z "$(v list --name | grep v)" ]; }
wait_for 60 forgotten || fail "libvirt still has a guest that is gone"
no_qemu() { ! pgrep -f /usr/libexec/xen-qemu-system-i386 > /dev/null; }
wait_for 30 no_qemu || fail "a QEMU is left"
[ "$($job/pvstore control check)" = OK ] || fail "check: $($job/pvstore control check)"
echo VERDICT-OK
