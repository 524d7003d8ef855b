# What the cases that run on our own host domain share. They sit on the boot
# `host`, where no daemon of Debian's toolstack ever runs.
pv_etc=/etc/paravane pv_log=/run/pvnd.log
export PATH=/usr/local/paravane:$PATH

# pvnd and everything it starts, once per boot.
pv_up()
{
    if [ ! -e /run/pv-is-up ]; then
        mkdir -p /usr/local/paravane $pv_etc
        cp /run/job/files/pv/* /usr/local/paravane/
        ldd /usr/local/paravane/* | grep 'not found' > /run/missing &&
            skip "the dom0 image lacks $(awk '{ print $1 }' /run/missing | sort -u | tr '\n' ' ')"
        modprobe -a xen-gntdev xen-gntalloc xen-evtchn xen-privcmd xenfs loop \
            bridge tun || fail "modprobe"
        printf '[lan]\ntype = bridged\nbridge = xenbr0\naddress = 10.9.0.1/24\n' \
            > $pv_etc/networks.conf
        touch /run/pv-is-up
    fi
    pvn version > /dev/null 2>&1 || pvnd_start
    pv_destroy_all # what a case before this one left
}

# pvnd is the oldest process of its name; a fork of it about to become another
# program has the name for a moment too.
pvnd_pid() { pgrep -ox pvnd; }
pvnd_start()
{
    pvnd 2>> $pv_log &
    wait_for 60 pvnd_answers || { tail -20 $pv_log; fail "pvnd does not come up"; }
}
pvnd_answers() { pvn version > /dev/null 2>&1; }
pvnd_kill() { kill -9 "$(pvnd_pid)"; }

# pv_guest NAME [key=value...]: as guest_config, with a disk of its own and a
# card on xenbr0 unless told otherwise.
pv_guest()
{
    local name=$1
    shift
    [ -e "/run/$name.img" ] || truncate -s 16M "/run/$name.img"
    guest_config "$name" "disk=['/run/$name.img,raw,xvda,w']" \
        'vif=["bridge=xenbr0"]' "$@"
}
# pv_transient NAME: one that is made to be destroyed: in a soak a stock kernel,
# which may be anywhere in its boot then, else the tiny guest, which costs less.
pv_transient()
{
    local tiny=(kernel=/run/job/files/tiny.elf "args=net-echo ip=10.9.0.99" memory=8)
    [ -z "${CYCLES:-}" ] || tiny=()
    pv_guest "$1" "${tiny[@]}"
}
pv_log_of() { cat "/var/log/paravane/console-$1.log" 2>/dev/null; }
pv_said() { pv_log_of "$1" | grep -aqE "$2"; }
pv_wait() { wait_for "$3" pv_said "$1" "$2" || { pv_trouble "$1"; fail "$1 did not say '$2'"; }; }
# What helps to see why a guest does not do what it should.
pv_trouble()
{
    say "console of $1:"; pv_log_of "$1" | tail
    say "pvnd:"; tail -20 $pv_log
    say "devices:"; pvstore tree / | grep -E 'state|hotplug|console|ring-ref|event-channel|error'
    say "processes:"; ps -eo pid,stat,wchan:20,time,args | grep '[p]v[nbcs]'
    pvn list
    pvn debug-keys e
    sleep 1
}

pv_gone() { ! pvn list "$1" > /dev/null 2>&1; }
pv_destroy_all()
{
    local g
    for g in $(pvn list --names | grep -vx Domain-0); do pvn destroy "$g"; done
}
# Everything that a guest leaves behind if it leaves anything.
pv_state()
{
    local p
    echo "nodes $(pvstore tree / 2>/dev/null | wc -l)"
    echo "free $(pvn info --json | grep -o '"free_kib": [0-9]*')"
    echo "guests $(pvn list --names | wc -l)"
    echo "records $(ls /run/paravane/domains /run/paravane/ops | grep -c json)"
    echo "pvblkd $(pgrep -cx pvblkd)"
    echo "vifs $(ls /sys/class/net | grep -c '^vif')"
    echo "loops $(losetup -a | wc -l)"
    for p in pvnd pvstored pvnetd pvconsoled; do
        echo "$p $(ls "/proc/$(pgrep -ox $p)/fd" | wc -l)"
    done
}
# The same without what depends on how much went on at a time: free memory, and
# connections that are kept for the next operation.
pv_left() { pv_state | grep -v -e free -e '^pvnd' -e '^pvstored'; }
