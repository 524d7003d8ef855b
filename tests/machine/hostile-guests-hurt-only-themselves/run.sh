# Guests that die, spin, flood and hoard: a fresh one runs beside or after each.
# on: guests
# secs: 480
. /run/job/files/pv/lib.sh
pv_up
pv_claims hostile-entry hostile-callback hostile-trap hostile-iret hostile-stack hostile-user \
    hostile-spin hostile-calls hostile-storm hostile-exhaust hostile-memory hostile-tables
