hv-objs += time/clock.o time/calibrate.o time/tscsync.o time/timer.o \
	time/pvclock.o time/wallclock.o
