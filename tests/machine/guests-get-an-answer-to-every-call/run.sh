# Event channels of both kinds, every hypercall with good, bad and no sense in it.
# on: guests
# secs: 360
. /run/job/files/pv/lib.sh
pv_up
pv_claims evtchn evtchn-fifo calls junk
