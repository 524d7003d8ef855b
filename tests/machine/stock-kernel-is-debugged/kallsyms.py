#!/usr/bin/env python3
"""kallsyms.py OUT NAME...: an ELF file that gives gdb these names of the kernel
that runs here, which is the guests' too (a PV kernel lies where it was linked)."""
import struct
import sys

out, names = sys.argv[1], set(sys.argv[2:]) | {"_stext", "_end"}
found, ends = {}, {}
last = None
for line in open("/proc/kallsyms"):
    address, kind, name = line.split()[:3]
    if "[" in line or kind in "aAuUw":
        continue
    address = int(address, 16)
    if last and address > found[last][0]:  # where the one before ends
        ends[last] = address
        last = None
    if name in names and name not in found:
        found[name] = address, kind
        last = name
if missing := names - set(found):
    sys.exit(f"not in /proc/kallsyms: {' '.join(sorted(missing))}")

SYMBOL, SECTION, HEAD = "<IBBHQQ", "<IIQQQQIIQQ", "<16sHHIQQQIHHHHHH"
text, end = found["_stext"][0], found["_end"][0]
strings, symbols = b"\0", struct.pack(SYMBOL, 0, 0, 0, 0, 0, 0)
for name, (address, kind) in sorted(found.items()):
    code = kind in "tT"
    symbols += struct.pack(SYMBOL, len(strings), 0x12 if code else 0x11, 0, 1, address, ends.get(name, address + 8) - address)
    strings += name.encode() + b"\0"
sections = b"\0.text\0.symtab\0.strtab\0"
at = 64
body = b""
table = [struct.pack(SECTION, *[0] * 10)]


def section(name, kind, flags, address, size, link=0, info=0, entry=0, data=None):
    global body
    table.append(struct.pack(SECTION, sections.index(b"\0" + name + b"\0") + 1, kind, flags, address,
                             at + len(body), size, link, info, 8, entry))
    if data is not None:
        body += data + bytes(-len(data) % 8)


section(b".text", 8, 6, text, end - text)                    # NOBITS: gdb reads the guest
section(b".symtab", 2, 0, 0, len(symbols), 3, 1, 24, symbols)
section(b".strtab", 3, 0, 0, len(strings + sections), data=strings + sections)
# The sections' names lie behind the symbols' in the same table.
for i in range(1, len(table)):
    fields = list(struct.unpack(SECTION, table[i]))
    fields[0] += len(strings)
    table[i] = struct.pack(SECTION, *fields)
head = struct.pack(HEAD, b"\x7fELF\x02\x01\x01" + bytes(9), 2, 62, 1, text, 0, at + len(body), 0, 64, 0, 0, 64,
                   len(table), 3)
with open(out, "wb") as f:
    f.write(head + body + b"".join(table))
