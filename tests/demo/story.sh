# The demo's part in dom0: two stock-kernel PV guests made by pvn. `server` serves
# files from its PV disk over HTTP, `client` fetches and verifies them. Lines that
# start with "DEMO " are what the terminal shows.
logs=/var/log/paravane
demo() { echo "DEMO $*"; }
die()
{
    echo "DEMO-FAIL $*"
    tail -n 5 $logs/*.log
    exit 1
}
# until_ SECONDS COMMAND...: wait for it.
until_()
{
    end=$(($(cut -d. -f1 /proc/uptime) + $1 * SLOW)); shift
    until "$@" > /dev/null 2>&1; do
        [ "$(cut -d. -f1 /proc/uptime)" -lt $end ] || return 1
        sleep 0.1
    done
}
said() { tr -d '\r' < "$logs/console-$1.log" | grep -aqE "$2"; }
ms() { read -r up _ < /proc/uptime; echo $((${up%.*} * 1000 + 1${up#*.} * 10 - 1000)); }
# made NAME [KEY=VALUE]...: pvn create, and how long it took.
made()
{
    begin=$(ms)
    pvn create -q "/tmp/$1.cfg" || die "pvn create $1"
    demo "pvn create $1: $(($(ms) - begin)) ms"
}
job() { printf %s "$1" | base64 | tr -d '\n'; }
# config NAME JOB LINES
config()
{
    {
        echo "name = \"$1\""
        echo 'kernel = "/srv/vmlinuz"'
        echo 'ramdisk = "/srv/guest-initrd"'
        echo 'memory = 160'
        echo "extra = \"console=hvc0 quiet panic=-1 job=$(job "$2")\""
        echo "$3"
    } > "/tmp/$1.cfg"
}

for w in $(cat /proc/cmdline); do
    case $w in slow=*) SLOW=${w#slow=} ;; esac
done
: "${SLOW:=1}"
pvnd > $logs/pvnd.out 2>&1 &
until_ 30 pvn list || die "pvnd does not answer: $(tail -n 1 $logs/pvnd.out)"
demo "pvnd, the manager, is up: $(pvn version | tr '\n' ' ')"

config server 'ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 up
mount -t ext4 /dev/xvda /mnt && echo "HAS $(ls /mnt/file* | wc -l) files on /dev/xvda" && httpd -p 80 -h /mnt && echo SERVING
while :; do sleep 1; done' "disk = ['/srv/server.img,raw,xvda,rw']
vif = ['mac=00:16:3e:00:00:01']"
config client 'ip addr add 10.9.0.3/24 dev eth0; ip link set eth0 up; cd /tmp
until wget -q http://10.9.0.2/SHA256SUMS; do sleep 0.2; done
for i in 1 2 3 4; do wget -q http://10.9.0.2/file$i && echo "FETCHED file$i"; done
sha256sum -c SHA256SUMS && echo "VERIFIED $(sha256sum < SHA256SUMS)"; while :; do sleep 1; done' "vcpus = 2
vif = ['mac=00:16:3e:00:00:02']"

made server
made client
pvn list | while read -r line; do demo "  $line"; done
until_ 60 said server SERVING || die "the server does not serve"
demo "server: $(tr -d '\r' < $logs/console-server.log | grep -a '^HAS'), serves them by HTTP"
until_ 60 said client FETCHED || die "the client fetches nothing"
demo "client: fetching from the server over the bridge"
until_ 60 said client VERIFIED || die "the client could not verify the files"
said client "VERIFIED $(sha256sum < /srv/SHA256SUMS)" || die "the client has other checksums than dom0"
tr -d '\r' < $logs/console-client.log | grep -aE '^file.: OK' | while read -r line; do demo "  client: $line"; done

demo "pvn shutdown: both guests"
pvn shutdown -w -t $((60 * SLOW)) server || die "pvn shutdown server"
pvn shutdown -w -t $((60 * SLOW)) client || die "pvn shutdown client"
[ "$(pvn list -n | grep -vc Domain-0)" = 0 ] || die "guests are left: $(pvn list -n)"
demo "both are gone; dom0 powers off"
echo DEMO-OK
