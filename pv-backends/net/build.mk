net-src := $(addprefix pv-backends/net/,main.c device.c netback.c netdecode.c \
	packet.c tap.c link.c)
$(USER_OUT)/pv-backends/net/link.o: USER_CFLAGS += -isystem /usr/include/libnl3
$(call program,pvnetd,$(net-src) $(runtime-src) $(xs-client-src) \
	$(libs-evtchn-src) $(libs-gnttab-src),$(runtime-libs) -lnl-route-3 -lnl-3)
