# When no domain has anything to do, the machine's CPUs halt: QEMU hardly runs.
# (Those of four CPUs that spun would make one for each CPU of the host.)
# on: pc1 q35x4
sleep 2
echo "HOST-CPU begin"
sleep 10
echo "HOST-CPU below 0.5 idle-machine/halts"
