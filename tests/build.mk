# Unit tests on the host, machine tests under QEMU, benchmarks.
