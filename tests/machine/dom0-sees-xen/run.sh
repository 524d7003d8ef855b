# dom0's kernel offers the devices, xenfs and /sys/hypervisor that userland uses.
# on: pc1 pc2
modprobe -a xen-gntdev xen-gntalloc xen-evtchn xen-privcmd xenfs
for d in evtchn gntdev gntalloc privcmd hypercall xenbus xenbus_backend; do
    want "/dev/xen/$d is missing" test -c /dev/xen/$d
done
mountpoint -q /proc/xen || want "xenfs" mount -t xenfs xenfs /proc/xen
want "control_d" grep -q control_d /proc/xen/capabilities
[ "$(cat /sys/hypervisor/type)" = xen ] || fail "/sys/hypervisor/type"
v=$(cat /sys/hypervisor/version/major).$(cat /sys/hypervisor/version/minor)
[ "$v" = 4.17 ] || fail "/sys/hypervisor/version is $v"
for f in compilation/compiled_by properties/capabilities properties/features uuid guest_type; do
    want "/sys/hypervisor/$f" cat /sys/hypervisor/$f > /dev/null
done
[ "$(cat /sys/hypervisor/guest_type)" = PV ] || fail "guest_type"
c=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)
case $c in xen | tsc) ;; *) fail "the clocksource is $c" ;; esac
