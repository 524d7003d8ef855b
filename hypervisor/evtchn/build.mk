hv-objs += evtchn/evtchn.o evtchn/evtchn-2l.o evtchn/evtchn-fifo.o \
	evtchn/virq.o evtchn/evtchn-op.o
