# What every backend process shares.
runtime-src := $(addprefix pv-backends/runtime/,backend.c xbstate.c store.c \
	loop.c ringmap.c log.c instance.c grantcache.c bucket.c spin.c option.c \
	privilege.c confine.c)
runtime-libs := -levent_core -lxenevtchn -lxengnttab
