# The few knobs of the build; set them on the command line (make DEBUG=1).
CC      ?= gcc
HOSTCC  ?= gcc
# 1: assertions, invariant checks and trapping UBSan in the hypervisor.
DEBUG   ?= 0
# Hardware threads the hypervisor can drive; every per-CPU array has this size.
MAX_CPUS := 64
BUILD   := build
VERSION := 0.1
