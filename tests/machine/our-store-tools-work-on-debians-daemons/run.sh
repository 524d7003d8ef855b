# Our shell tool and library work on Debian's oxenstored and xenstored, by the
# socket and through the kernel's ring; as a program written to <xenstore.h>.
# on: pc1
# secs: 60
export PATH=/run/job/files/pv:$PATH
pgrep -x 'o?xenstored' && fail "a store is there already"
for lib in libjansson; do
    ldconfig -p | grep -q $lib || skip "the dom0 image lacks $lib"
done
modprobe -a xen-gntdev xen-evtchn xen-privcmd xenfs || fail modprobe
mountpoint -q /proc/xen || mount -t xenfs xenfs /proc/xen
up() { timeout 5 pvstore -s exists /; }
gone() { ! kill -0 "$pid" 2> /dev/null; }

# use WHAT: each command once.
use()
{
    pvstore write /t/a one /t/b two || fail "$1: write"
    [ "$(pvstore read /t/a /t/b | paste -sd' ')" = "one two" ] || fail "$1: read"
    [ "$(pvstore list /t | sort | paste -sd' ')" = "a b" ] || fail "$1: list"
    pvstore exists /t/a || fail "$1: exists"
    pvstore exists /t/c && fail "$1: exists what is not"
    pvstore chmod -r /t n0 r5 || fail "$1: chmod"
    pvstore ls -f -p /t | grep -q '/t/b = "two".*(n0,r5)' || fail "$1: ls: $(pvstore ls -f -p /t)"
    [ "$(pvstore --json tree /t)" = '{"/t":{"children":{"a":{"value":"one"},"b":{"value":"two"}}}}' ] ||
        fail "$1: --json tree: $(pvstore --json tree /t)"
    timeout 10 pvstore watch -n 2 /t/w > /tmp/watched &
    w=$!
    sleep 1
    pvstore write /t/w/x 1
    wait $w || fail "$1: watch"
    grep -q /t/w/x /tmp/watched || fail "$1: watch: $(cat /tmp/watched)"
    pvstore rm /t || fail "$1: rm"
    pvstore exists /t && fail "$1: rm left it"
    pvstore top -n 1 2> /tmp/said && fail "$1: top, of another daemon?"
    [ -s /tmp/said ] || fail "$1: top says nothing"
}

for daemon in oxenstored xenstored; do
    rm -f /run/xenstored/socket
    $daemon --pid-file /run/store.pid || fail "$daemon does not start"
    wait_for 20 up || fail "$daemon does not answer"
    pid=$(cat /run/store.pid)
    use $daemon
    only=
    [ $daemon = oxenstored ] && only=no-parts
    /run/job/files/xs-program $only || fail "xs-program on $daemon"
    # The first one also has the kernel.
    if [ $daemon = oxenstored ]; then
        export XENSTORED_PATH=/dev/xen/xenbus
        use "$daemon by the kernel"
        unset XENSTORED_PATH
    fi
    kill -9 "$pid"
    wait_for 20 gone || fail "$daemon does not end"
done
