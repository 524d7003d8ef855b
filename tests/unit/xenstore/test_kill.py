#!/usr/bin/env python3
"""The real daemon, killed every few milliseconds while clients by socket and
guests by ring are busy: each request is answered once, in order; nobody loses
the connection; transactions lose nothing; and in the end the tree is as the
clients left it. Every fifth time it makes room for another (SIGUSR2: a live
update) instead.

Environment: KILLS (50), PVSTORED (built with tests/unit/xenstore/fake-xen.c)."""
import mmap
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

KILLS = int(os.environ.get("KILLS", "50"))
PROGRAM = os.environ.get("PVSTORED") or os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "pvstored")
READ, WATCH, START, END, INTRODUCE, WRITE, SET_PERMS, EVENT = 2, 4, 6, 7, 8, 11, 14, 15
PATIENCE = 30  # seconds for an answer


class Socket:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.s.settimeout(PATIENCE)

    def send(self, data):
        self.s.sendall(data)

    def receive(self):
        data = self.s.recv(65536)
        if not data:
            raise EOFError("the connection is lost")
        return data


class Ring:
    """A guest's end: its page, and a kick each way. It never looks at the page
    without having been kicked: a kick that is lost stops it for good."""
    REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD = 512, 513, 514, 515

    def __init__(self, folder, domid):
        path = f"{folder}/ring-{domid}"
        with open(path, "wb") as f:
            f.write(bytes(4096))
        with open(path, "r+b") as f:
            self.page = mmap.mmap(f.fileno(), 4096)
        self.index = memoryview(self.page).cast("I")  # 4 bytes in one go
        self.port = domid
        kick = f"{folder}/kick-{domid}"
        os.mkfifo(kick)
        self.kicks = os.open(kick, os.O_RDWR | os.O_NONBLOCK)
        self.events = os.open(f"{folder}/events", os.O_RDWR)

    def kick(self):
        os.write(self.events, struct.pack("<I", self.port))

    def wait(self):
        if not select.select([self.kicks], [], [], PATIENCE)[0]:
            raise TimeoutError("no event for the guest")
        os.read(self.kicks, 4096)

    def send(self, data):
        while data:
            prod, cons = self.index[self.REQ_PROD], self.index[self.REQ_CONS]
            room = 1024 - ((prod - cons) & 0xffffffff)
            if not room:
                self.wait()
                continue
            at = prod & 1023
            part = data[:min(room, 1024 - at)]
            self.page[at:at + len(part)] = part
            self.index[self.REQ_PROD] = (prod + len(part)) & 0xffffffff
            data = data[len(part):]
            self.kick()

    def receive(self):
        while True:
            cons, prod = self.index[self.RSP_CONS], self.index[self.RSP_PROD]
            have = (prod - cons) & 0xffffffff
            if have > 1024:
                raise ValueError("an impossible index")
            if have:
                break
            self.wait()
        at = cons & 1023
        part = bytes(self.page[1024 + at:1024 + at + min(have, 1024 - at)])
        self.index[self.RSP_CONS] = (cons + len(part)) & 0xffffffff
        self.kick()
        return part


class Client(threading.Thread):
    def __init__(self, port, home, stop):
        super().__init__(daemon=True)
        self.port, self.home, self.stop = port, home.encode(), stop
        self.buf, self.model, self.error = b"", {}, None
        self.asked = self.events = self.aborts = self.commits = 0
        self.rnd = random.Random(home)

    def message(self):
        while True:
            if len(self.buf) >= 16:
                kind, number, _, size = struct.unpack("<IIII", self.buf[:16])
                if len(self.buf) >= 16 + size:
                    payload, self.buf = self.buf[16:16 + size], self.buf[16 + size:]
                    return kind, number, payload
            self.buf += self.port.receive()

    def reply(self, want):
        while True:
            kind, number, payload = self.message()
            if kind == EVENT:
                self.events += 1
                continue
            if number != want:
                raise ValueError(f"reply {number}, wanted {want}")
            return kind, payload

    def pack(self, kind, payload, tx=0):
        self.asked += 1
        return struct.pack("<IIII", kind, self.asked, tx, len(payload)) + payload

    def ask(self, kind, payload, tx=0):
        self.port.send(self.pack(kind, payload, tx))
        return self.reply(self.asked)

    def must(self, kind, payload, tx=0):
        got, payload = self.ask(kind, payload, tx)
        if got != kind:
            raise ValueError(f"{kind}: {payload}")
        return payload

    def burst(self):
        """Many requests on their way at once."""
        first, messages, want = self.asked + 1, b"", []
        for _ in range(self.rnd.randint(1, 40)):
            key = self.home + b"/%d" % self.rnd.randint(0, 20)
            if self.rnd.random() < .5 or key not in self.model:
                self.model[key] = b"%d" % self.asked * self.rnd.randint(1, 60)
                messages += self.pack(WRITE, key + b"\0" + self.model[key])
                want.append(b"OK\0")
            else:
                messages += self.pack(READ, key + b"\0")
                want.append(self.model[key])
        # A ring holds little: whoever only sends fills both ways.
        sender = threading.Thread(target=self.port.send, args=(messages,)) if isinstance(self.port, Socket) else None
        if sender:
            sender.start()
        else:
            self.port.send(messages)
        for n, w in enumerate(want):
            _, payload = self.reply(first + n)
            if payload != w:
                raise ValueError(f"{payload[:40]} for {w[:40]}")
        if sender:
            sender.join()

    def transaction(self):
        while not self.stop.is_set():
            tx = int(self.must(START, b"\0")[:-1])
            old = self.must(READ, b"/counter\0", tx)
            self.must(WRITE, b"/counter\0%d" % (int(old) + 1), tx)
            kind, payload = self.ask(END, b"T\0", tx)
            if kind == END:
                self.commits += 1
                return
            if payload != b"EAGAIN\0":
                raise ValueError(payload)
            self.aborts += 1

    def run(self):
        try:
            self.must(WATCH, self.home + b"\0token\0")
            while not self.stop.is_set():
                self.burst()
                if self.rnd.random() < .3:
                    self.transaction()
        except Exception as e:
            self.error = f"{self.home.decode()}: {e!r}"


class Daemon:
    def __init__(self, folder):
        self.args = [PROGRAM, "-f", "-S", folder + "/socket", "-j", folder + "/journal", "-l", folder + "/log"]
        self.env = {**os.environ, "FAKE_XEN": folder, "ASAN_OPTIONS": "detect_leaks=0"}
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.args, env=self.env)

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


def introduce(boot, folder, domid):
    home = b"/local/domain/%d" % domid
    boot.must(WRITE, home + b"\0")
    boot.must(SET_PERMS, home + b"\0n%d\0" % domid)
    ring = Ring(folder, domid)
    boot.must(INTRODUCE, b"%d\0001\0%d\0" % (domid, domid))
    return Client(ring, home.decode(), boot.stop)


def wrong_in_the_end(boot, clients):
    for c in clients:
        for key, value in c.model.items():
            got = boot.ask(READ, key + b"\0")[1]
            if got != value:
                yield f"{key}: {got[:30]} is not {value[:30]}"
    counted = int(boot.must(READ, b"/counter\0"))
    if counted != sum(c.commits for c in clients):
        yield f"the counter is {counted}"
    if boot.must(0, b"check\0") != b"OK\0":
        yield "the daemon's own check"


def run(folder):
    os.mkfifo(folder + "/events")
    keep = os.open(folder + "/events", os.O_RDWR)
    daemon = Daemon(folder)
    end = time.time() + PATIENCE
    while not os.path.exists(folder + "/socket") and time.time() < end:
        time.sleep(.01)
    stop = threading.Event()
    boot = Client(Socket(folder + "/socket"), "/boot", stop)
    boot.must(WRITE, b"/counter\x000")
    boot.must(SET_PERMS, b"/counter\0b0\0")
    clients = [Client(Socket(folder + "/socket"), f"/k{k}", stop) for k in range(3)]
    clients += [introduce(boot, folder, domid) for domid in (1, 2)]
    for c in clients:
        c.start()
    rnd = random.Random(1)
    codes = set()
    for n in range(KILLS):
        time.sleep(rnd.random() * .03 + .002)
        codes.add(daemon.end(signal.SIGUSR2 if n % 5 == 4 else signal.SIGKILL))
        daemon.start()
        if any(c.error for c in clients):
            break
    time.sleep(.3)
    stop.set()
    for c in clients:
        c.join(PATIENCE)
    bad = [c.error or f"{c.home} is stuck" for c in clients if c.error or c.is_alive()]
    bad = bad or list(wrong_in_the_end(boot, clients))
    print(f"{KILLS} kills: {', '.join(str(c.asked) for c in clients)} requests, "
          f"{sum(c.events for c in clients)} events, {sum(c.commits for c in clients)} commits, "
          f"{sum(c.aborts for c in clients)} conflicts")
    codes.add(daemon.end(signal.SIGTERM))
    bad += [f"the daemon ended with {c}" for c in codes - {-signal.SIGKILL, -signal.SIGUSR2, 0}]
    bad += [f"{c.home} did nothing" for c in clients if not c.commits]
    os.close(keep)
    return bad


def main():
    folder = tempfile.mkdtemp(prefix="pv-kill-")
    try:
        bad = run(folder)
        if bad:
            with open(folder + "/log") as f:
                print("".join(f.readlines()[-8:]))
    finally:
        shutil.rmtree(folder)
    for b in bad[:3]:
        print(b)
    print("[  FAILED  ] test_kill" if bad else "[       OK ] test_kill")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
