config-src := dom0/config/lex.c dom0/config/parse.c dom0/config/value.c \
	dom0/config/domconfig.c dom0/config/read.c dom0/config/names.c \
	dom0/config/keys.c dom0/config/disk.c \
	dom0/config/nic.c dom0/config/cpuset.c dom0/config/report.c
