# Data written to each kind of dom0 disk comes back, and bytes sent through each
# kind of network card too; the interrupts that did it are counted.
# on: q35x4 guests
# secs: 120
modprobe -a ahci sd_mod nvme virtio_blk e1000 virtio_net
wait_for 20 test -b /dev/nvme0n1 || fail "no NVMe disk"
wait_for 20 test -b /dev/sda || fail "no AHCI disk"
head -c 8M /dev/urandom > /tmp/data
sum=$(sha256sum < /tmp/data)
spare=$(for d in /dev/vd?; do [ "$(blockdev --getsize64 $d)" = 67108864 ] && ! blkid $d > /dev/null && echo $d; done | head -1)
[ -n "$spare" ] || fail "no spare virtio disk"
for d in /dev/sda /dev/nvme0n1 "$spare"; do
    dd if=/tmp/data of=$d bs=1M oflag=direct status=none || fail "write to $d"
    back=$(dd if=$d bs=1M count=8 iflag=direct status=none | sha256sum)
    [ "$back" = "$sum" ] || fail "$d gave back other data"
    say "$d: 8 MiB written and read back"
done
head -c 1M /tmp/data > /tmp/small
sum=$(sha256sum < /tmp/small)
n=0
for driver in e1000 virtio_net; do
    net=10.0.$((3 + n)) mac=52:54:00:00:00:1$n n=$((n + 1))
    dev=
    wait_for 20 grep -l $mac /sys/class/net/*/address > /dev/null || fail "no $driver card"
    dev=$(grep -l $mac /sys/class/net/*/address); dev=${dev#/sys/class/net/}; dev=${dev%/address}
    ip addr add $net.15/24 dev "$dev"
    ip link set "$dev" up
    wait_for 10 ping -c1 -W1 $net.2 > /dev/null || fail "$driver: the gateway does not answer"
    back=$(socat -t 20 - TCP:$net.100:7 < /tmp/small | sha256sum)
    [ "$back" = "$sum" ] || fail "$driver: other data came back"
    say "$driver: 1 MiB sent and received as $dev"
done
for i in nvme0q ahci 'virtio.-(input|output|req)' "$(grep -l 52:54:00:00:00:10 /sys/class/net/*/address | cut -d/ -f5)"; do
    n=$(grep -E "$i" /proc/interrupts | awk '{ for (i = 2; i <= '"$CPUS"' + 1; i++) s += $i } END { print s + 0 }')
    say "$n interrupts of $i"
    [ "$n" -gt 0 ] || fail "no interrupt of $i was counted"
done
