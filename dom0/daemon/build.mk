# pvnd: see README.md.
daemon-portable-src := $(addprefix dom0/daemon/,fault.c rpc.c networks.c guest.c \
	registry.c record.c diskclaim.c acl.c share.c)
daemon-src := $(daemon-portable-src) $(addprefix dom0/daemon/,log.c loop.c \
	server.c supervise.c netsetup.c kit.c store.c intent.c helpers.c \
	devices.c device-wait.c room.c create.c teardown.c lifecycle.c recover.c \
	coredump.c storage.c blockdev.c images.c host.c method.c \
	method-life.c method-tune.c method-device.c method-look.c work.c options.c \
	leave.c warm.c main.c)
$(USER_OUT)/dom0/daemon/netsetup.o: USER_CFLAGS += -isystem /usr/include/libnl3
dump-src := $(addprefix dom0/debug/,target.c dump.c dump-lists.c dump-file.c)
$(call program,pvnd,$(daemon-src) $(config-src) $(builder-src) $(dump-src) \
	$(libs-hypercall-src) $(libs-foreignmem-src) $(libs-latency-src) $(libs-opener-src) $(xs-client-src),\
	-levent -ljansson -lnl-route-3 -lnl-3 -lpthread \
	$(libs-hypercall-libs) $(libs-foreignmem-libs) $(builder-libs))
