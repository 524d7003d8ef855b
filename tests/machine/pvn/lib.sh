# What the cases that run on our own host domain share. They sit on the boot
# `host`, where no daemon of Debian's toolstack ever runs.
pv_etc=/etc/paravane pv_log=/run/pvnd.log pv_bin=/usr/local/paravane
pv_logs=/var/log/paravane
export PATH=$pv_bin:$PATH

# pvnd and everything it starts, once per boot.
pv_up()
{
    if [ ! -e /run/pv-is-up ]; then
        mkdir -p $pv_bin $pv_etc
        cp /run/job/files/pv/* $pv_bin/
        modprobe -a xen-gntdev xen-gntalloc xen-evtchn xen-privcmd xenfs loop \
            bridge tun || fail "modprobe"
        printf '[lan]\ntype = bridged\nbridge = xenbr0\naddress = 10.9.0.1/24\n' \
            > $pv_etc/networks.conf
        # What sysusers.conf and udev do on a whole system.
        echo 'paravane-blk:x:987:986::/:/usr/sbin/nologin' >> /etc/passwd
        echo 'paravane-net:x:988:987::/:/usr/sbin/nologin' >> /etc/passwd
        chmod 666 /dev/net/tun
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
    wait_for 60 pvnd_answers || {
        ldd $pv_bin/* | grep 'not found' | sort -u
        tail -20 $pv_log
        fail "pvnd does not come up"
    }
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
pv_log_of() { cat "$pv_logs/console-$1.log" 2>/dev/null; }
# pvnd unpacks the kernels of /boot when it begins: not while something is measured.
pv_at_rest() { await 120 $pv_log 'is unpacked for the guests' || fail "pvnd unpacks no kernel"; }
pv_said() { grep -aqsE "$2" "$pv_logs/console-$1.log"; }
pv_wait() { await "$3" "$pv_logs/console-$1.log" "$2" || { pv_trouble "$1"; fail "$1 did not say '$2'"; }; }
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
# pv_claims CLAIM...: freestanding guests, each of whose cases has a verdict.
pv_claims()
{
    local guests=/run/job/files/guests out=/run/guests.out rc
    bash $guests/guest-job.sh $guests "$@" > $out 2>&1
    rc=$?
    cat $out
    [ $rc = 0 ] || fail "$(grep -m1 '^VERDICT .* fail' $out)"
    grep -q '^VERDICT .* pass' $out || fail "no verdicts"
}
# Everything that a guest leaves behind if it leaves anything. (In few processes:
# it is asked again and again.)
pv_state()
{
    local p name files
    local -A first=() count=()
    for p in /proc/[0-9]*; do
        read -r name < "$p/comm" || continue
        [[ $name == pv* ]] || continue
        p=${p#/proc/} count[$name]=$((${count[$name]:-0} + 1))
        [ "${first[$name]:-$p}" -lt "$p" ] || first[$name]=$p
    done 2> /dev/null
    echo "nodes $(pvstore tree / 2>/dev/null | wc -l)"
    echo "free $(pvn info --json | grep -o '"free_kib": [0-9]*')"
    echo "guests $(pvn list --names | wc -l)"
    files=(/run/paravane/domains/*json* /run/paravane/ops/*json*)
    echo "records ${files[*]//\*json\*/none}"
    echo "pvblkd ${count[pvblkd]:-0}"
    files=(/sys/class/net/vif*)
    echo "vifs ${files[*]}"
    files=(/sys/block/loop*/loop/backing_file)
    echo "loops ${files[*]}"
    for name in pvnd pvstored pvnetd pvconsoled; do
        files=("/proc/${first[$name]:-none}/fd/"*)
        echo "$name ${#files[@]}"
    done
}
# The same without what depends on how much went on at a time: free memory, and
# connections that are kept for the next operation.
pv_left() { pv_state | grep -v -e free -e '^pvnd' -e '^pvstored'; }
