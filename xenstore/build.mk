# The store: core, transports, daemon, client library, shell tools.

# For whoever talks to a store.
xs-client-src := $(addprefix xenstore/client/,xs.c xs-conn.c xs-watch.c xs-many.c \
	pvstored.c)

# The store itself, without a file descriptor in it.
xs-core-src := $(addprefix xenstore/core/,mem.c buf.c map.c path.c perm.c \
	node.c tree.c quota.c store.c client.c view.c watch.c txn.c wire.c \
	request.c req-node.c req-watch.c req-txn.c req-domain.c control.c \
	check.c journal.c record.c snapshot.c \
	replay.c replay-fields.c replay-tree.c replay-client.c)

xs-transport-src := $(addprefix xenstore/transport/,conn.c ring.c)

xs-daemon-src := xenstore/transport/socket.c $(addprefix xenstore/daemon/,main.c \
	options.c server.c control.c sockets.c gate.c holder.c held.c domains.c \
	state.c succession.c log.c)

xs-cmd-src := $(addprefix xenstore/cmd/,main.c print.c cmd-node.c cmd-tree.c \
	cmd-live.c)

-include dom0/libs/build.mk
$(call program,pvstored,$(xs-core-src) $(xs-transport-src) $(xs-daemon-src) \
	$(libs-hypercall-src),-levent_core -lxenevtchn -lxengnttab $(libs-hypercall-libs))
$(call program,pvstore,$(xs-client-src) $(xs-cmd-src),-ljansson)
