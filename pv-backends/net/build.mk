net-src := $(addprefix pv-backends/net/,main.c device.c queue.c netback.c \
	nettx.c netrx.c netdecode.c netjournal.c netswitch.c packet.c tap.c link.c \
	bridge.c)
$(USER_OUT)/pv-backends/net/link.o $(USER_OUT)/pv-backends/net/bridge.o: USER_CFLAGS += -isystem /usr/include/libnl3
$(call program,pvnetd,$(net-src) $(runtime-src) $(xs-client-src) \
	$(libs-evtchn-src) $(libs-gnttab-src) $(libs-latency-src),$(runtime-libs) -lnl-route-3 -lnl-3)
