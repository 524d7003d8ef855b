#!/usr/bin/env python3
"""The real daemon, killed every few milliseconds while clients by socket and
guests by ring are busy: each request is answered once, in order; nobody loses
the connection; transactions lose nothing; and in the end the tree is as the
clients left it. Every fifth time it makes room for another (SIGUSR2: a live
update) instead.

Environment: KILLS (50)."""
import os
import random
import signal
import sys
import threading
import time

from filehost import CONTROL, END, PATIENCE, READ, SET_PERMS, START, WATCH, WRITE, Client, Host, Socket

KILLS = int(os.environ.get("KILLS", "50"))


class Busy(Client, threading.Thread):
    """One that asks all the time, and knows what the answers are."""

    def __init__(self, port, home, stop):
        threading.Thread.__init__(self, daemon=True)
        Client.__init__(self, port, home)
        self.stop, self.model, self.error = stop, {}, None
        self.aborts = self.commits = 0
        self.rnd = random.Random(home)

    def burst(self):
        """Many requests on their way at once."""
        first, messages, want = self.asked + 1, b"", []
        writes = self.rnd.choice((.5, .5, 0))  # questions alone leave no record
        for _ in range(self.rnd.choice((1, self.rnd.randint(1, 40)))):
            key = self.home + b"/%d" % self.rnd.randint(0, 20)
            if self.rnd.random() < writes or key not in self.model:
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


def wrong_in_the_end(boot, clients):
    for c in clients:
        for key, value in c.model.items():
            got = boot.ask(READ, key + b"\0")[1]
            if got != value:
                yield f"{key}: {got[:30]} is not {value[:30]}"
    counted = int(boot.must(READ, b"/counter\0"))
    if counted != sum(c.commits for c in clients):
        yield f"the counter is {counted}"
    if boot.must(CONTROL, b"check\0") != b"OK\0":
        yield "the daemon's own check"


def run(host):
    stop = threading.Event()
    boot, daemon = host.boot, host.daemon
    boot.must(WRITE, b"/counter\x000")
    boot.must(SET_PERMS, b"/counter\0b0\0")
    clients = [Busy(Socket(host.dir + "/socket"), f"/k{k}", stop) for k in range(3)]
    clients += [Busy(host.guest(domid), f"/local/domain/{domid}", stop) for domid in (1, 2)]
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
    return bad


def main():
    host = Host()
    try:
        bad = run(host)
        if bad:
            print(host.log(8))
    finally:
        host.close()
    for b in bad[:3]:
        print(b)
    print("[  FAILED  ] test_kill" if bad else "[       OK ] test_kill")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
