# The demo's part in dom0: two stock-kernel PV guests made by xl. `server` serves
# files from its PV disk over HTTP, `client` fetches and verifies them.
# Lines that start with "DEMO " are what the terminal shows.
. /run/job/lib.sh
demo() { echo "DEMO $*"; }
die() { echo "DEMO-FAIL $*"; exit 1; }
fail() { die "$*"; }

xen_up
bridge_up
demo "dom0 is up: $(. /etc/os-release; echo "$PRETTY_NAME"), Linux $(uname -r), $(nproc) CPUs"
xl info > /tmp/info || die "xl info"
demo "xl sees the hypervisor: $(awk -F': ' '/^xen_version/ { print "version " $2 }' /tmp/info), $(free_memory) MiB free"

demo "making the server's disk: 4 files of 4 MiB"
mkdir -p /tmp/www
for i in 1 2 3 4; do head -c 4M /dev/urandom > /tmp/www/file$i; done
(cd /tmp/www && sha256sum file? > SHA256SUMS)
truncate -s 48M /tmp/server.img
mkfs.ext4 -q -F -d /tmp/www /tmp/server.img || die "mkfs.ext4"

demo "xl create server (1 vCPU, disk, network)"
guest_create server "vif=[ 'bridge=xenbr0,mac=00:16:3e:00:00:01' ]" \
    "disk=[ 'format=raw,vdev=xvda,access=rw,target=/tmp/server.img' ]" \
    job='ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 up
mount -t ext4 /dev/xvda /mnt && echo "HAS $(ls /mnt/file* | wc -l) files on /dev/xvda" && httpd -p 80 -h /mnt && echo SERVING
while :; do sleep 1; done'
demo "xl create client (2 vCPUs, network)"
guest_create client vcpus=2 "vif=[ 'bridge=xenbr0,mac=00:16:3e:00:00:02' ]" \
    job='ip addr add 10.9.0.3/24 dev eth0; ip link set eth0 up; cd /tmp
until wget -q http://10.9.0.2/SHA256SUMS; do sleep 1; done
for i in 1 2 3 4; do wget -q http://10.9.0.2/file$i && echo "FETCHED file$i"; done
sha256sum -c SHA256SUMS && echo "VERIFIED $(sha256sum < SHA256SUMS)"; while :; do sleep 1; done'
xl list | sed 's/^/DEMO   /'
guest_wait server SERVING 120
demo "server: $(guest_log server | grep -a '^HAS'), serves them by HTTP"
guest_wait client FETCHED 120
demo "client: fetching from the server over the bridge"
guest_wait client VERIFIED 120
sums=$(sha256sum < /tmp/www/SHA256SUMS)
guest_log client | grep -aqF "VERIFIED $sums" || die "the client has other checksums than dom0"
guest_log client | grep -aE '^file.: OK' | sed 's/^/DEMO   client: /'

demo "xl shutdown: both guests"
xl shutdown -a > /dev/null || die "xl shutdown"
guest_wait_gone server 60
guest_wait_gone client 60
[ -z "$(guests_left)" ] || die "domains are left"
demo "both are gone, $(free_memory) MiB free; dom0 powers off"
echo DEMO-OK
