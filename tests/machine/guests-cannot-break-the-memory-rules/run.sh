# Page types, stores to page tables, descriptors, grants and the balloon, case by case.
# on: guests
# secs: 300
. /run/job/files/pv/lib.sh
pv_up
pv_claims pagetypes ptwrite descriptors grants memory races
