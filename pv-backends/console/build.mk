console-src := $(addprefix pv-backends/console/,main.c domains.c console.c \
	client.c conslog.c consring.c page.c pty.c scroll.c)
$(call program,pvconsoled,$(console-src) $(runtime-src) $(xs-client-src) \
	$(libs-evtchn-src) $(libs-gnttab-src),$(runtime-libs) -lxenforeignmemory -lutil)
