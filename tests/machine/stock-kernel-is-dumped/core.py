#!/usr/bin/env python3
"""core.py FILE ADDRESS: what lies at an address of the kernel's image, found in a
dump as crash(8) does: by the list of pages that the note of Xen's names."""
import struct
import sys

PAGE = 4096
f = open(sys.argv[1], "rb")
address = int(sys.argv[2], 16)
head = f.read(64)
phoff, = struct.unpack_from("<Q", head, 32)
phnum, = struct.unpack_from("<H", head, 56)
f.seek(phoff)
table = f.read(56 * phnum)
segments = [struct.unpack_from("<IIQQQQQQ", table, 56 * i) for i in range(phnum)]


def frame(mfn, offset=0, size=PAGE):
    for _, _, at, _, address, length, _, _ in segments[1:]:
        if address <= mfn * PAGE < address + length:
            f.seek(at + mfn * PAGE - address + offset)
            return f.read(size)
    sys.exit(f"machine frame {mfn:x} is not in the dump")


def word(mfn, i):
    return struct.unpack("<Q", frame(mfn, 8 * i, 8))[0]


f.seek(segments[0][2])
notes, at, root, vcpus = f.read(segments[0][5]), 0, None, 0
while at < len(notes):
    namesz, descsz, kind = struct.unpack_from("<III", notes, at)
    at += 12 + (namesz + 3) // 4 * 4
    if kind == 0x1000001:
        root, = struct.unpack_from("<Q", notes, at + descsz - 8)
    vcpus += kind == 1
    at += (descsz + 3) // 4 * 4
pfn = (address - 0xffffffff80000000) // PAGE
mfn = word(word(word(root, pfn >> 18), pfn >> 9 & 511), pfn & 511)
text = frame(mfn, address % PAGE, PAGE - address % PAGE).split(b"\0")[0]
print(f"{vcpus} vcpus: {text.decode('ascii', 'replace')}")
