# Two guests and dom0 on one bridge exchange files that arrive unharmed.
# on: q35x2
# secs: 180
xen_up
bridge_up
serve='mkdir /tmp/w; head -c 1M /dev/urandom > /tmp/w/f; (cd /tmp/w; sha256sum f > s); httpd -p 80 -h /tmp/w'
up() { echo "ip addr add 10.9.0.$1/24 dev eth0; ip link set eth0 up;"; }
guest_create one "vif=[ 'bridge=xenbr0,mac=00:16:3e:00:00:01' ]" \
    job="$(up 2) $serve; echo SERVING; while :; do sleep 1; done"
guest_create two "vif=[ 'bridge=xenbr0,mac=00:16:3e:00:00:02' ]" \
    job="$(up 3) $serve; cd /tmp; until wget -q http://10.9.0.2/s; do sleep 1; done
wget -q http://10.9.0.2/f && sha256sum -c s && echo FETCHED; while :; do sleep 1; done"
guest_wait one SERVING 60
guest_wait two FETCHED 90
cd /tmp || exit 2
for a in 2 3; do
    rm -f f s
    want "dom0 cannot fetch from 10.9.0.$a" busybox wget -q http://10.9.0.$a/s
    want "dom0 cannot fetch from 10.9.0.$a" busybox wget -q http://10.9.0.$a/f
    sha256sum -c s || fail "dom0 got other data from 10.9.0.$a"
done
