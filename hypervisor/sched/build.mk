hv-objs += sched/sched.o sched/credit.o sched/sched-op.o
