# The store: core, transports, daemon, client library, shell tools.

# For whoever talks to a store.
xs-client-src := $(addprefix xenstore/client/,xs.c xs-conn.c xs-watch.c)
