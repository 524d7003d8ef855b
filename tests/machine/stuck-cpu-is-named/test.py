"""With the option watchdog, a CPU that takes no interrupt any more is found by
the next one, which says where it hangs and ends the machine. The one that hangs
is made: through QEMU's gdb stub a CPU that idles goes on in a loop, interrupts
off."""
import os
import re
import socket
import subprocess
import time

import machine
from verdict import Fail

# dom0 is a guest that sleeps: all CPUs are idle then, in the hypervisor.
DOM0 = os.path.join(machine.ROOT, "build", "tests", "guests", "hammer.elf") + " sleeps"
PLACE = "timer_dump"          # a function that nobody calls, to put the loop in
RIP, EFLAGS, CS = 16, 17, 18  # by gdb's numbers
IF = 1 << 9


class Gdb:
    """As much of gdb's protocol as that takes."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(path)
        self.file = self.sock.makefile("rwb", buffering=0)
        # Only who has asked what registers there are may name one.
        self.ask("qXfer:features:read:target.xml:0,ffb")

    def send(self, text):
        self.file.write(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 255))

    def receive(self):
        while self.file.read(1) not in (b"$", b""):
            pass
        text = b""
        while (c := self.file.read(1)) not in (b"#", b""):
            text += c
        self.file.read(2)
        self.file.write(b"+")
        return text.decode()

    def ask(self, text):
        """The answer; that the machine stood still comes in between."""
        self.send(text)
        while (answer := self.receive()).startswith("T"):
            pass
        return answer

    def get(self, register):
        if not (answer := self.ask(f"p{register:x}")):
            raise Fail(f"gdb's stub does not know register {register}")
        return int.from_bytes(bytes.fromhex(answer), "little")

    def order(self, text):
        if (answer := self.ask(text)) != "OK":
            raise Fail(f"gdb's {text}: {answer}")


def address_of(image, name):
    with_symbols = os.path.splitext(image)[0] + ".dbg"
    said = subprocess.run(["nm", with_symbols], check=True, capture_output=True, text=True).stdout
    return int(re.search(rf"^(\w+) \w {name}$", said, re.M)[1], 16)


def hang(path, cpu, place):
    """Let that CPU, which must be in the hypervisor, go on in a loop at `place`."""
    gdb = Gdb(path)
    gdb.order(f"Hg{cpu + 1:x}")
    if gdb.get(CS) & 3:
        raise Fail(f"CPU {cpu} is in a guest")
    gdb.order(f"M{place:x},2:ebfe")
    gdb.order(f"P{RIP:x}={place.to_bytes(8, 'little').hex()}")
    gdb.order(f"P{EFLAGS:x}={(gdb.get(EFLAGS) & ~IF).to_bytes(4, 'little').hex()}")
    gdb.send("c")
    return gdb.sock


def expect(m, pattern, secs, after):
    i, found = m.wait(pattern, secs, after=after)
    if i is None:
        raise Fail(f"no line /{pattern}/; last lines: " + " | ".join(m.tail(3)))
    return found


def stuck(cpu, idle_secs, options, end):
    """`end` is the last line, or how the machine ends."""
    def run(ctx, log):
        place = address_of(ctx.hv, PLACE)
        path = log + ".gdb"
        m = machine.Machine(log, kernel=ctx.hv, append=f"{machine.HVARGS} watchdog {options}", modules=(DOM0,), mem=512, smp=2,
                            disk=False, extra=["-nic", "none", "-gdb", f"unix:{path},server=on,wait=off"])
        gdb = None
        try:
            expect(m, r"boot code and modules freed", 60 * ctx.slow, 0)
            time.sleep(idle_secs)
            if any("no interrupt" in text for _, text in m.lines) or m.ended:
                raise Fail("it barks at CPUs that only idle")
            began = len(m.lines)
            gdb = hang(path, cpu, place)
            expect(m, rf"CPU {cpu}: no interrupt taken for too long", 30 * ctx.slow, began)
            expect(m, rf"rip \w+:{place:016x}", 10, began)
            expect(m, rf" {PLACE}\+0$", 10, began)
            if end == "reset" and m.wait_end(30 * ctx.slow) != end:
                raise Fail(f"the machine does not start again, it is {m.ended or 'still there'}")
            if end != "reset":
                expect(m, end, 10, began)
        finally:
            if gdb:
                gdb.close()
            m.close()
            if os.path.exists(path):
                os.unlink(path)
    return run


def cases(_ctx):
    return [("cpu1", stuck(1, 1, "noreboot", r"halted"), dict(only="paravane", secs=10)),
            ("cpu0", stuck(0, 15, "", "reset"), dict(only="paravane", secs=30, soak=True))]
