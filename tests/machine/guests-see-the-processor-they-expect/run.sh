# Exceptions, privileged instructions, FPU contents, vCPUs and time, case by case.
# on: guests
# secs: 240
. /run/job/files/pv/lib.sh
pv_up
pv_claims traps privop fpu vcpu
