# What the cases that run in dom0 share; the runner puts it on the job disk.
# A case is a run.sh: it exits 0 when its claim holds, else calls fail or skip
# with the reason. It may leave guests behind: the harness destroys them.
export PATH=/usr/lib/xen-4.17/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
guest_logs=/var/log/xen/console

fail() { echo "$*" > /run/reason; exit 1; }
skip() { echo "$*" > /run/reason; exit 77; }
say() { echo "  [$(cut -d' ' -f1 /proc/uptime)] $*"; }
# want WHAT COMMAND...: the claim fails, naming WHAT, if the command does.
want() { local what=$1; shift; "$@" || fail "$what"; }
# code WANTED COMMAND...: the claim fails if the command exits with another code;
# what it said is in /run/out.
code()
{
    local want=$1 got
    shift
    "$@" < /dev/null > /run/out 2>&1
    got=$?
    [ $got = "$want" ] || { cat /run/out; fail "exit $got, not $want: $*"; }
}
# Seconds since boot; bash's SECONDS follows the wall clock, which cases set.
now() { local t; read -r t _ < /proc/uptime; echo "${t%.*}"; }
# nap SECONDS: a sleep that costs no process.
exec {nap_fd}<> <(:)
nap() { read -rt "$1" -u $nap_fd || :; }
# wait_for SECONDS COMMAND...: until it succeeds. SLOW stretches it on a busy host.
wait_for()
{
    local t end
    read -r t _ < /proc/uptime
    end=$((${t%.*} + $1 * SLOW)); shift
    until "$@"; do
        read -r t _ < /proc/uptime
        [ "${t%.*}" -lt $end ] || return 1
        nap 0.2
    done
}
# await SECONDS FILE REGEX [FILE REGEX]...: until a line of one of the files is so
# (tests/tools/await.c).
await() { local secs=$1; shift; /run/job/files/await $((secs * SLOW)) "$@"; }

# The toolstack's daemons, once per boot.
xen_up()
{
    [ -f /run/xen-is-up ] && return
    modprobe -a xen-gntdev xen-gntalloc xen-evtchn xen-privcmd xenfs \
        xen-blkback xen-netback loop bridge || fail "modprobe of the backends"
    mountpoint -q /proc/xen || mount -t xenfs xenfs /proc/xen
    xenstored --pid-file /run/xenstored.pid || fail "xenstored does not start"
    wait_for 20 xenstore-exists / || fail "xenstored does not answer"
    xen-init-dom0 || fail "xen-init-dom0"
    mkdir -p $guest_logs
    xenconsoled --log=guest --log-dir=$guest_logs
    touch /run/xen-is-up
}

bridge_up()
{
    [ -d /sys/class/net/xenbr0 ] && return
    ip link add xenbr0 type bridge
    ip addr add 10.9.0.1/24 dev xenbr0
    ip link set xenbr0 up
}

# guest_config NAME [key=value...]: writes /run/NAME.cfg. Keys: job (shell that
# the guest's init runs), and any of xl.cfg as key='value' text.
guest_config()
{
    local name=$1 job= kv kernel=/srv/guest/vmlinux args="console=hvc0 quiet panic=-1"
    local ramdisk='"/srv/guest/guest-initrd"' cfg=
    shift
    for kv in "$@"; do
        case $kv in
        job=*) job=" job=$(printf %s "${kv#job=}" | base64 -w0)" ;;
        kernel=*) kernel=${kv#kernel=} ramdisk= ;;
        args=*) args=${kv#args=} ;;
        *) cfg+="${kv%%=*} = ${kv#*=}"$'\n' ;;
        esac
    done
    {
        printf 'name = "%s"\ntype = "pv"\nkernel = "%s"\n' "$name" "$kernel"
        [ -n "$ramdisk" ] && echo "ramdisk = $ramdisk"
        printf 'extra = "%s"\n' "$args$job"
        case $cfg in *memory*) ;; *) echo "memory = 160" ;; esac
        printf %s "$cfg"
    } > "/run/$name.cfg"
}

# guest_create NAME [key=value...]
guest_create()
{
    local name=$1
    guest_config "$@"
    rm -f $guest_logs/guest-"$name".log
    timeout $((120 * SLOW)) xl create -q "/run/$name.cfg" 2> /run/xl.err || {
        cat /run/xl.err
        fail "xl create $name: $(tail -1 /run/xl.err)"
    }
    say "created $name"
}

guest_log() { cat "$guest_logs/guest-$1.log" 2>/dev/null | tr -d '\r'; }
guest_said() { grep -aqE "$2" "$guest_logs/guest-$1.log" 2>/dev/null; }
# guest_wait NAME REGEX SECONDS: until its console says so.
guest_wait()
{
    await "$3" "$guest_logs/guest-$1.log" "$2" || {
        guest_log "$1" | tail -15
        fail "guest $1 did not say '$2' in $3 s"
    }
}
guest_is() { xl domid "$1" > /dev/null 2>&1; }
guest_gone() { ! guest_is "$1"; }
guest_wait_gone() { wait_for "$2" guest_gone "$1" || fail "guest $1 is still there after $2 s"; }
guests_left() { xl list 2>/dev/null | awk 'NR > 1 && $2 != 0 { print $2 }'; }
guests_destroy_all()
{
    [ -f /run/xen-is-up ] || return 0
    local d
    for d in $(guests_left); do timeout $((60 * SLOW)) xl destroy "$d"; done
}
free_memory() { xl info | awk '$1 == "free_memory" { print $3 }'; }

# case_run NAME SECONDS: one verdict line.
case_run()
{
    local name=$1 secs=$(($2 * SLOW)) rc t0 verdict
    t0=$(now)
    rm -f /run/reason
    echo "CASE $name"
    (
        cd "/run/job/cases/$name" || exit 2
        timeout -k 5 "$secs" bash -c '. /run/job/lib.sh; . ./run.sh'
    ) < /dev/null
    rc=$?
    case $rc in
    0) verdict=pass ;;
    77) verdict=skip ;;
    124 | 137) verdict=fail; echo "took longer than $secs s" > /run/reason ;;
    1) verdict=fail ;;
    *) verdict=error; [ -s /run/reason ] || echo "run.sh exits $rc" > /run/reason ;;
    esac
    guests_destroy_all
    echo "VERDICT $name $verdict $(($(now) - t0)) $(cat /run/reason 2>/dev/null)"
}
