"""A boot that cannot be is refused with a message that says what to change, and
the machine then stands still: no reset loop, no triple fault."""
import os
import struct
import tempfile

import machine
from verdict import Fail

VMLINUX = os.path.join(machine.IMAGE, "vmlinux")
VMLINUZ = os.path.join(machine.IMAGE, "vmlinuz")
INITRD = os.path.join(machine.IMAGE, "quick-initrd")
DOM0 = "console=hvc0 quiet"


def refused(message, modules=lambda tmp: (f"{VMLINUX} {DOM0}", INITRD), append="", mem=1024):
    def run(ctx, log):
        with tempfile.TemporaryDirectory() as tmp:
            m = machine.Machine(log, kernel=ctx.hv, append=f"{machine.HVARGS} {append}", mem=mem, disk=False,
                                modules=modules(tmp), extra=["-nic", "none"])
            try:
                i, _ = m.wait(message, 60 * ctx.slow)
                if i is None:
                    raise Fail(f"no message /{message}/; last lines: " + " | ".join(m.tail(2)))
                if m.wait_end(1):
                    raise Fail(f"after the message the machine ended ({m.ended}) instead of standing still")
            finally:
                m.close()
    return run


def file(make):
    """Modules of which the first is what make() returns as bytes."""
    def modules(tmp):
        path = os.path.join(tmp, "kernel")
        with open(path, "wb") as f:
            f.write(make())
        return (f"{path} {DOM0}", INITRD)
    return modules


def head(path, size):
    with open(path, "rb") as f:
        return f.read(size)


def elf_without_notes():
    """A 64-bit ELF of one page of code, and nothing that speaks of Xen."""
    code = b"\xf4" * 16
    ehdr = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0x100000, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    phdr = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x100000, 0x100000, 120 + len(code), 120 + len(code), 4096)
    return ehdr + phdr + code


def elf_demanding_a_feature():
    """The same with notes that require a feature nobody has heard of."""
    note = b""
    for kind, desc in ((5, b"xen-3.0\0"), (8, b"generic\0"), (10, b"!no_such_feature\0")):
        note += struct.pack("<III4s", 4, len(desc), kind, b"Xen\0") + desc + b"\0" * (-len(desc) % 4)
    note += struct.pack("<III4sQ", 4, 8, 3, b"Xen\0", 0xFFFFFFFF80000000)
    note += struct.pack("<III4sQ", 4, 8, 1, b"Xen\0", 0xFFFFFFFF80000000 + 64 + 112)
    base, size = 0xFFFFFFFF80000000, 64 + 112 + len(note)
    ehdr = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, base, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base & 0x7FFFFFFF, size, size, 4096)
    notes = struct.pack("<IIQQQQQQ", 4, 4, 176, base + 176, 176, len(note), len(note), 4)
    return ehdr + load + notes + note


def cases(_ctx):
    opts = dict(only="paravane", secs=20)
    table = {
        "no-module": refused(r"(?i)no dom0 kernel|no module", modules=lambda tmp: ()),
        "no-kernel": refused(r"(?i)kernel.*(not|neither|no )|not a.*kernel|no ELF", modules=file(lambda: b"hello\n" * 1000)),
        "truncated-vmlinuz": refused(r"(?i)truncated|cut|damaged|corrupt|incomplete|ends|short",
                                     modules=file(lambda: head(VMLINUZ, 4 << 20))),
        "truncated-elf": refused(r"(?i)truncated|cut|damaged|corrupt|incomplete|ends|short",
                                 modules=file(lambda: head(VMLINUX, 20 << 20))),
        "no-xen-notes": refused(r"(?i)xen.*note|note.*xen", modules=file(elf_without_notes)),
        "unknown-feature": refused(r"(?i)feature", modules=file(elf_demanding_a_feature)),
        "too-little-memory": refused(r"(?i)(more|raise).*(memory|machine|dom0_mem)|memory.*(more|raise|small)", mem=128),
        "dom0-too-small": refused(r"(?i)dom0_mem", append="dom0_mem=32M"),
        "bad-option": refused(r"(?i)dom0_mem.*size", append="dom0_mem=lots"),
    }
    return [(name, func, opts) for name, func in table.items()]
