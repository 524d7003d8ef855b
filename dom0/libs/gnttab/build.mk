# Grants: the sources, and what their users link with.
libs-gnttab-src := dom0/libs/gnttab/gnttab.c
libs-gnttab-libs := -lxengnttab
