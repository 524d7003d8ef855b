# pvn: see README.md.
cli-src := $(wildcard dom0/cli/*.c)
$(call program,pvn,$(cli-src) $(xs-client-src),-ljansson)
