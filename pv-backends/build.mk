# The backends: one runtime, one program per device class.
include pv-backends/runtime/build.mk
include pv-backends/block/build.mk
-include pv-backends/net/build.mk
-include pv-backends/console/build.mk
