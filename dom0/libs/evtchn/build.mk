# Event channels: the sources, and what their users link with.
libs-evtchn-src := dom0/libs/evtchn/evtchn.c
libs-evtchn-libs := -lxenevtchn
