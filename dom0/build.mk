# The host domain's toolstack. Folders that are not there yet are skipped.
-include dom0/libs/build.mk
-include dom0/config/build.mk
-include dom0/builder/build.mk
-include dom0/migrate/build.mk
-include dom0/cli/build.mk
-include dom0/daemon/build.mk
-include dom0/install.mk
