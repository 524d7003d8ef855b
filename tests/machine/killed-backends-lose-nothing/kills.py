#!/usr/bin/env python3
"""kills.py ADDRESS COUNT CHILD...: kill -9 of pvnd's children, COUNT in all, while
the guest at ADDRESS echoes datagrams, which all have to come back as they were sent
(UDP may lose one: then it is sent again). A child is killed in turn once it has
lived for a second, and at a random moment of its first third of a second, which
is when it takes its devices over; pvnd starts it again at once in both cases."""
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time

CHILDREN = "/run/paravane/children/"
PROGRAMS = "/usr/local/paravane/"
PATIENCE = 20 * int(os.environ.get("SLOW", 1))
AGAIN = 0.02             # until a datagram is sent anew


class Child:
    def __init__(self, name):
        self.name, self.old, self.pid, self.quick, self.pauses = name, 0, 0, False, []
        self.killed = self.due = time.monotonic()
        self.look()

    def look(self):
        """Has pvnd started it again?"""
        try:
            with open(CHILDREN + self.name) as f:
                pid = int(f.read().split()[0])
        except (OSError, IndexError):
            return
        if pid == self.old:
            return
        now = time.monotonic()
        if self.old:
            self.pauses.append(now - self.killed)
        self.pid, self.quick = pid, not self.quick
        self.due = now + (random.uniform(0, 0.3) if self.quick else random.uniform(1.05, 1.3))

    def turn(self):
        """True when it was killed now."""
        now = time.monotonic()
        if not self.pid:
            self.look()
            if not self.pid and now - self.killed > PATIENCE:
                sys.exit(f"{self.name} is not started again")
            return False
        if now < self.due:
            return False
        os.kill(self.pid, signal.SIGKILL)
        self.killed, self.old, self.pid = now, self.pid, 0
        return True


class Echo:
    """Datagrams that go to and fro; `longest` without one that came back."""

    def __init__(self, address):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((address, 7))
        self.sock.settimeout(AGAIN)
        self.last, self.longest, self.nr, self.sent = time.monotonic(), 0, 0, {}
        self.body = os.urandom(1400)
        self.next()

    def next(self):
        self.nr += 1
        size = random.randrange(1, len(self.body))
        self.data = self.nr.to_bytes(4, "little") + self.body[:size]

    def turn(self):
        try:
            self.sock.send(self.data)
            back = self.sock.recv(2000)
        except (TimeoutError, ConnectionError, OSError):
            if time.monotonic() - self.last > PATIENCE:
                sys.exit("the guest's card is silent")
            return
        nr = int.from_bytes(back[:4], "little")
        if nr > self.nr or back[4:] != self.body[:len(back) - 4] or nr == self.nr and back != self.data:
            sys.exit(f"datagram {self.nr} came back with other bytes")
        if nr == self.nr:
            now = time.monotonic()
            self.longest, self.last = max(self.longest, now - self.last), now
            self.next()


def start_ms(program):
    """What a process of this program costs until its main(), the median of five."""
    took = []
    for _ in range(5):
        begin = time.monotonic()
        subprocess.run([PROGRAMS + program, "--version"], stdout=subprocess.DEVNULL, close_fds=False, check=True)
        took.append((time.monotonic() - begin) * 1000)
    return statistics.median(took)


def main():
    address, count, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    starts = ", ".join(f"{p} {start_ms(p):.0f} ms" for p in ("pvblkd", "pvnetd"))
    echo = Echo(address)
    children = [Child(n) for n in names]
    killed = 0
    while killed < count or not all(c.pid for c in children):
        echo.turn()
        for c in children:
            if (killed < count or not c.pid) and c.turn():
                killed += 1
                if killed % 100 == 0:
                    print(f"  {killed} kills, {echo.nr} datagrams", flush=True)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        echo.turn()
    again = [p * 1000 for c in children for p in c.pauses]
    print(f"NOTE {killed} kills of {', '.join(names)}: {echo.nr} datagrams, the longest pause of the network "
          f"{echo.longest * 1000:.0f} ms; to be started again took {statistics.median(again):.0f} ms, "
          f"at most {max(again):.0f} ms; a process alone takes: {starts}")


main()
