#!/usr/bin/env python3
"""Take the ELF kernel out of a Debian vmlinuz: vmlinux.py VMLINUZ VMLINUX."""
import lzma
import struct
import sys

image = open(sys.argv[1], "rb").read()
setup_sectors = image[0x1F1] or 4
offset, length = struct.unpack_from("<II", image, 0x248)
payload = image[(setup_sectors + 1) * 512 + offset :][:length]
elf = lzma.LZMADecompressor().decompress(payload)
if elf[:4] != b"\x7fELF":
    sys.exit("no ELF kernel in " + sys.argv[1])
open(sys.argv[2], "wb").write(elf)
