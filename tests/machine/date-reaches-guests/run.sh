# Setting dom0's clock sets the wall clock that new guests start from.
# on: q35x2
xen_up
date -s "@$(($(date +%s) + 86400))" > /dev/null || fail "date -s"
sleep 1
guest_create clock job='echo "CLOCK $(date +%s)"'
guest_wait clock 'CLOCK [0-9]' 60
there=$(guest_log clock | sed -n 's/^CLOCK //p') here=$(date +%s)
date -s "@$(($(date +%s) - 86400))" > /dev/null
say "guest $there, dom0 $here"
[ $((here - there)) -ge -2 ] && [ $((here - there)) -le 15 ] || fail "guest's clock $there, dom0's $here"
