# Two guests with disk and network card, made by pvn, run; each verb does to
# them what its page says; nothing of them is left at the end.
# on: host
# soak-on: peer-host
# secs: 480
. /run/job/files/pv/lib.sh
pv_up
before=$(pv_left)
pv_guest a vcpus=2 job='ip addr add 10.9.0.11/24 dev eth0; ip link set eth0 up
echo hello | dd of=/dev/xvda conv=sync 2>/dev/null; sync; echo WROTE
while sleep 0.5; do dd if=/dev/zero of=/dev/xvda bs=64k seek=16 count=4 conv=fsync 2>/dev/null || echo BAD; done &
while :; do ping -c1 -W1 10.9.0.1 > /dev/null && echo PONG; echo "CPUS=$(nproc)"; set -- /sys/block/xvd*; echo "DISKS=$#"; set -- /sys/class/net/eth*; echo "NICS=$#"; sleep 1; done'
# A shell on its console.
pv_guest b job='setsid cttyhack sh -i'
pvn create -q /run/a.cfg || fail "pvn create a"
pvn create -q /run/b.cfg || fail "pvn create b"
want "pvn list" test "$(pvn list --names | sort | tr '\n' ' ')" = "Domain-0 a b "
pv_wait a WROTE 90
pv_wait a PONG 60
want "the guest's write is in its image" grep -q hello /run/a.img
pvn info a | grep -q 'disk .*connected' || fail "pvn info does not show the disk connected"
mkdir /run/json
for v in list info 'info a' 'list a' sched 'sched a' dmesg network-list version 'top -n 1 -d 0.2'; do
    pvn $v --json > "/run/json/$v" || fail "pvn $v --json"
done
python3 - /run/json/* << 'END' || fail "not JSON, or not the guests that there are"
import json, sys
said = {path: json.load(open(path)) for path in sys.argv[1:]}
assert len(said) == 10 and all(said.values()), said
for verb in "list", "sched":
    assert {g["name"] for g in said[f"/run/json/{verb}"]} == {"Domain-0", "a", "b"}
assert [v["hard"] for v in said["/run/json/sched a"][0]["vcpus"]] == ["all", "all"]
END
rm -r /run/json
# The kernel would set up 6 MiB of queues for each card.
ip -o link | grep ': vif' > /run/cards
want "cards are there" test -s /run/cards
want "nothing waits in front of them" sh -c '! grep -v "qdisc noqueue" /run/cards'
pvn debug-keys h || fail "pvn debug-keys"
pvn dmesg | grep -q . || fail "pvn dmesg is empty"
pvn dmesg -c > /dev/null; [ "$(pvn dmesg | wc -l)" -lt 5 ] || fail "pvn dmesg -c does not empty it"

say console
rm -f /run/sees /run/types /run/looks /run/late /run/top
(await 20 /run/sees PONG; printf '\035') | pvn console a > /run/sees
grep -aq PONG /run/sees || fail "pvn console shows nothing"
# On a terminal, as people use it: what is typed by the first is seen by both, the
# one who comes later sees it too, and the terminal is as it was.
on_terminal() { socat - SYSTEM:'pvn console b; stty -a',pty,setsid,ctty,stderr > "$1" 2>&1; }
# What comes before the terminal is raw would be thrown away.
is_on() { await 20 "$1" 'Ctrl-. leaves'; sleep 1; }
pv_wait b ' # ' 60
(is_on /run/looks; await 20 /run/looks '^sum-42'; printf '\035'; sleep 1) | on_terminal /run/looks &
looker=$!
(is_on /run/types; echo 'echo sum-$((40+2))'; await 20 /run/types '^sum-42'; printf '\035'; sleep 1) | on_terminal /run/types
grep -q '^sum-42' /run/types || fail "typing at the console: $(tail -1 /run/types)"
grep -aqE '(^| )icanon' /run/types || fail "Ctrl-] does not give the terminal back"
wait $looker
grep -q '^sum-42' /run/looks || fail "a second viewer does not see it"
(is_on /run/late; printf '\035'; sleep 1) | on_terminal /run/late
grep -q '^sum-42' /run/late || fail "no scrollback"
(await 20 /run/top '^a '; printf q; sleep 1) | socat - EXEC:"pvn top -d 0.5",pty,setsid,ctty > /run/top
grep -aq '^a ' /run/top || fail "pvn top on a terminal"

say completion
completes() # WORDS... -- what the last is completed to
{
    bash -c '. /run/job/files/pv/completion 2> /dev/null; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pvn 2> /dev/null; echo ${COMPREPLY[*]}' - "$@"
}
[ "$(completes pvn cre)" = create ] || fail "completion of cre: $(completes pvn cre)"
[ "$(completes pvn destroy '')" = "a b" ] || fail "completion of a guest: $(completes pvn destroy '')"
[ "$(completes pvn block-detach a '')" = xvda ] || fail "completion of a disk: $(completes pvn block-detach a '')"
[ "$(completes pvn network-detach a '')" = 0 ] || fail "completion of a card: $(completes pvn network-detach a '')"
verbs=" $(completes pvn '') "
for v in $(pvn help | awk '/^  [a-z]/ { print $1 }'); do
    case $verbs in *" $v "*) ;; *) fail "completion does not know $v" ;; esac
done

say devices
truncate -s 8M /run/more.img
want "block-attach" pvn block-attach a /run/more.img,raw,xvdb,r
want "network-attach" pvn network-attach a bridge=xenbr0
pv_wait a DISKS=2 30
pv_wait a NICS=2 30
pvn block-attach b /run/more.img,raw,xvdb,w 2> /run/err && fail "a disk in use was attached"
grep -q 'in use by' /run/err || fail "the refusal says: $(cat /run/err)"
code 2 pvn block-limit a xvdb
code 2 pvn block-limit -b 1Q a xvdb
code 3 pvn block-limit -r 5 a xvdz
want "block-limit" pvn block-limit -b 256K,64K -r 50 a xvdb
pvn info --json a | tr -d ' \n' | grep -q '"limit_bytes":262144,"burst_bytes":65536,"limit_requests":50,' || fail "pvn info does not say the limits: $(pvn info --json a)"
pvstore read "/local/domain/0/backend/pvblk/$(pvn list a | awk 'NR == 2 { print $2 }')/51728/limit-bytes" | grep -qx 262144,65536 || fail "the backend does not see the limit"
pvn info a | grep -q 'disk .*xvdb.* 262144 bytes/s, 50 requests/s' || fail "pvn info: $(pvn info a | grep disk)"
want "block-limit to none" pvn block-limit --bytes=0 -r 0 a xvdb
want "block-detach" pvn block-detach a xvdb
want "network-detach" pvn network-detach a 1
# One that the guest does not let go of (it stands still) stays, unless it is
# forced away.
pvn block-attach b /run/more.img,raw,xvdb,w || fail "block-attach of a disk that was free again"
b_has_it() { pvn info b | grep -q 'disk .*xvdb.*connected'; }
wait_for 20 b_has_it || fail "xvdb is not connected: $(pvn info b | grep disk)"
pvn pause b
pvn block-detach b xvdb 2> /run/err && fail "a disk was detached from a guest that stands still"
[ "$(wc -l < /run/err)" = 1 ] && grep -q force /run/err || fail "block-detach of a disk in use says: $(cat /run/err)"
pvn info b | grep -q 'disk .*xvdb' || fail "a refused block-detach took the disk: $(pvn info b | grep disk)"
want "block-detach --force" pvn block-detach -f b xvdb
pvn info b | grep -q 'disk .*xvdb' && fail "block-detach --force left the disk"
pvn unpause b

! pv_said a BAD || fail "disks that came and went disturbed another"

say tuning
want "vcpu-set" pvn vcpu-set a 1
pv_wait a CPUS=1 30
want "mem-set" pvn mem-set a 120M
shrunk() { [ "$(pvn list a | awk 'NR == 2 { print $3 }')" -le 121 ]; }
wait_for 30 shrunk || fail "mem-set did not shrink it: $(pvn list a | tail -1)"
# Its share: what is set is shown and holds; a mistake changes nothing.
want "sched" pvn sched -w 512 --cpus 1 --soft 0 a
pvn sched -c 30 -v 1 --cpus 9 a 2> /run/err && fail "a vcpu was put on CPU 9"
grep -q 'CPUs 0-1' /run/err || fail "the refusal says: $(cat /run/err)"
pvn sched a > /run/out
awk 'NR > 1 { $1 == "a" ? s = $3 " " $4 : 0; s = s " " $(NF - 1) $NF } END { exit s != "512 0 10 10" }' /run/out ||
    fail "sched shows: $(cat /run/out)"
want "sched of Domain-0" pvn sched -w 256 Domain-0
code 2 pvn sched -w 512
code 3 pvn sched -w 512 nobody
want "pause" pvn pause a
want "list says paused" test "$(pvn list a | awk 'NR == 2 { print $5 }')" = paused
want "unpause" pvn unpause a
pvn top -n 1 -d 1 | grep -q '^a ' || fail "pvn top"

say ends
id=$(pvn list a | awk 'NR == 2 { print $2 }')
want "reboot" pvn reboot -w a
again() { [ "$(pvn list a | awk 'NR == 2 { print $2 }')" -gt "$id" ] 2> /dev/null; }
wait_for 60 again || fail "it did not start again"
want "shutdown" pvn shutdown -w b
wait_for 20 pv_gone b || fail "b is still there"
want "destroy" pvn destroy a

# What follows an end, with guests that end at once: on ACTION, tiny-WHAT, then
# the states of all guests of that name, and perhaps what pvnd says before.
say actions
states() { pvn list | awk '$1 ~ /^e/ { n[$5]++ } END { for (s in n) print n[s] s }'; }
on()
{
    printf 'name="e"\nkernel="/run/job/files/tiny-%s.elf"\nmemory=32\n%s="%s"\n' "$3" "$1" "$2" > /run/e.cfg
    : > $pv_log
    pvn create -q /run/e.cfg || fail "create for $1 = $2"
    [ -z "${5:-}" ] || await 60 $pv_log "$5" || fail "$1 = $2: pvnd does not say '$5'"
    is_so() { [ "$(states)" = "$1" ]; }
    wait_for 20 is_so "$4" || fail "$1 = $2: $(states) instead of $4"
    sleep 1
    is_so "$4" || fail "$1 = $2: it does not stay $4, but $(states)"
    for g in $(pvn list --names | grep '^e'); do pvn destroy "$g"; done
}
on on_poweroff destroy poweroff ''
on on_poweroff preserve poweroff 1shutdown
on on_crash destroy crash ''
on on_crash preserve crash 1crashed
on on_crash coredump-destroy crash ''
# Five times again, and then it is left alone.
on on_crash restart crash 1crashed 'left alone'
on on_crash rename-restart crash 6crashed 'left alone'
settled() { [ "$before" = "$(pv_left)" ]; }
wait_for 10 settled || {
    pvstore tree /
    fail "left behind: $(diff <(echo "$before") <(pv_left) | grep '^[<>]' | tr '\n' ' ')"
}
