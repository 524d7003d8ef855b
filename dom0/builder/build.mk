builder-src := dom0/builder/builder.c dom0/builder/error.c \
	dom0/builder/image.c dom0/builder/image-file.c dom0/builder/image-kept.c \
	dom0/builder/ramdisk.c dom0/builder/bzimage.c dom0/builder/unpack.c \
	dom0/builder/cache.c dom0/builder/elf.c \
	dom0/builder/layout.c dom0/builder/pv.c dom0/builder/pv-memory.c \
	dom0/builder/pv-kernel.c dom0/builder/window.c dom0/builder/pagetable.c \
	dom0/builder/policy.c dom0/builder/nodes.c
builder-libs := -lz -llzma -lzstd -llz4 -lbz2 -llzo2 -lmd

include tests/tools/build.mk
