block-src := $(addprefix pv-backends/block/,main.c device.c details.c medium.c queue.c blkback.c \
	blkdecode.c blkio.c blkio-uring.c blkio-threads.c bufpool.c image.c \
	inflight.c nbdmedium.c nbdstore.c nbdlib.c export.c qmp.c)
$(call program,pvblkd,$(block-src) $(runtime-src) $(xs-client-src) \
	$(libs-evtchn-src) $(libs-gnttab-src) $(libs-latency-src) $(libs-opener-src),$(runtime-libs) -luring -lpthread)
