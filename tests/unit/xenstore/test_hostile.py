#!/usr/bin/env python3
"""What the real daemon does with those who break the rules: a ring with impossible
indices or a message too long is left alone until it reconnects, with one line in
the log; nonsense by socket gets an error or loses that connection; a guest that
never reads holds nobody up; and after each of them everybody else is served as
before, by socket and ring."""
import random
import re
import struct
import time

from filehost import CONTROL, PATIENCE, READ, SET_PERMS, WATCH, WRITE, Client, Host, Socket, run_tests

CONNECTION, ERROR = 517, 518          # of the ring's page
RECONNECT, BAD_INDEX, BAD_MESSAGE = 1, 2, 3


def until(what):
    end = time.time() + PATIENCE
    while not what() and time.time() < end:
        time.sleep(.01)
    assert what(), f"not in {PATIENCE} s"


def lines(host, text):
    with open(host.dir + "/log") as f:
        return len(re.findall(text, f.read()))


def ask_all(host, others):
    """Each is served, and what it wrote is there."""
    for n, c in enumerate([host.boot, *others]):
        value = b"%d" % random.randrange(1 << 30)
        c.must(WRITE, c.home + b"/mine\0" + value)
        assert c.must(READ, c.home + b"/mine\0") == value
    assert host.boot.must(CONTROL, b"check\0") == b"OK\0"


def guest(host, domid):
    return Client(host.guest(domid), f"/local/domain/{domid}")


def reconnect(ring):
    """As a kernel does that begins again."""
    ring.index[CONNECTION] = RECONNECT
    ring.kick()
    until(lambda: ring.index[CONNECTION] == 0)
    return Client(ring, f"/local/domain/{ring.port}")


def spoil(host, others, ring, error, how):
    """Ignored, with one line however often it kicks, and served once it reconnects."""
    before = lines(host, f"domain {ring.port} is ignored until it reconnects")
    how()
    for _ in range(20):
        ring.kick()
    until(lambda: ring.index[ERROR] == error)
    ask_all(host, others)
    assert lines(host, f"domain {ring.port} is ignored until it reconnects") == before + 1
    ask_all(host, [*others, reconnect(ring)])


def move(ring, which, by):
    def how():
        ring.index[which] = (ring.index[which] + by) & 0xffffffff
    return how


def test_impossible_indices(host, others):
    ring = host.guest(5)
    ask_all(host, [Client(ring, "/local/domain/5")])
    spoil(host, others, ring, BAD_INDEX, move(ring, ring.REQ_PROD, 1025))
    spoil(host, others, ring, BAD_INDEX, move(ring, ring.REQ_PROD, -1))

    def responses():
        ring.index[ring.RSP_CONS] = (ring.index[ring.RSP_CONS] + 77) & 0xffffffff
        ring.send(struct.pack("<IIII", READ, 1, 0, 2) + b"/\0")
    spoil(host, others, ring, BAD_INDEX, responses)
    # The daemon's own indices it does not believe either.
    for which in ring.REQ_CONS, ring.RSP_PROD:
        move(ring, which, 5000)()
        ring.kick()
        ask_all(host, others)
        ask_all(host, [*others, reconnect(ring)])


def test_a_message_too_long_by_ring(host, others):
    ring = host.guest(5)
    spoil(host, others, ring, BAD_MESSAGE, lambda: ring.send(struct.pack("<IIII", WRITE, 1, 0, 4097)))
    spoil(host, others, ring, BAD_MESSAGE, lambda: ring.send(struct.pack("<IIII", 1 << 31, 1, 0, 0xffffffff)))


def test_nonsense_by_ring(host, others):
    """Whole messages of any type and any bytes: each has one reply, in order."""
    rnd = random.Random(2)
    c = guest(host, 5)
    for _ in range(300):
        payload = nonsense(rnd)
        kind, _ = c.ask(rnd.choice([*range(30), 1 << 31]), payload, rnd.choice((0, 0, 0, 1, 7)))
    ask_all(host, [*others, c])


def nonsense(rnd):
    words = [b"/", b"\0", b"5", b"/local/domain/5", b"@releaseDomain", b"a" * 3000, b"n0", b"T", b"\xff", b" ", b"//",
             b"-1", b"4294967296", b"99999999999999999999", b"%s%n"]
    return b"".join(rnd.choice(words) for _ in range(rnd.randrange(6)))[:4096]


def test_nonsense_by_socket(host, others):
    """Messages of any form, cut anywhere, half of them never finished."""
    rnd = random.Random(3)
    for _ in range(200):
        s = Socket(host.dir + "/socket")
        message = b"".join(struct.pack("<IIII", rnd.choice([*range(30), 1 << 31]), 1, rnd.choice((0, 1, 1 << 31)),
                                       rnd.choice((len(p), len(p), len(p), 4097, 0xffffffff, 0))) + p
                           for p in (nonsense(rnd) for _ in range(4))
                           # These would change what others work with.
                           if not re.search(rb"^(/|5|/local/domain/5)\0|^0\0", p))
        try:
            s.send(message[:rnd.randrange(len(message) + 1)])
            s.s.close()
        except OSError:
            pass
    ask_all(host, others)


def test_a_guest_that_never_reads(host, others):
    """Its ring and what waits for it are full; a thousand events are due to it."""
    c = guest(host, 5)
    host.boot.must(WRITE, b"/told\0")
    host.boot.must(SET_PERMS, b"/told\0r0\0")
    for n in range(50):
        c.must(WATCH, b"/told\0%d\0" % n)
    request = struct.pack("<IIII", READ, 1, 0, 6) + b"/told\0"
    ring = c.port
    while ring.index[ring.REQ_PROD] - ring.index[ring.REQ_CONS] + len(request) <= 1024:
        ring.send(request)
    begun = time.time()
    for n in range(1000):
        host.boot.must(WRITE, b"/told\0%d" % n)
    ask_all(host, others)
    took = time.time() - begun
    used, limit = re.search(r"(?m)^5 .*? memory=(\d+)/(\d+)/", host.boot.must(CONTROL, b"domains\0").decode()).groups()
    print(f"1000 writes beside it took {took:.2f} s; what waits for it is {used} bytes")
    assert took < 20 and int(used) <= int(limit)
    reconnect(ring)


def with_others(test, host):
    test(host, [guest(host, 1), Client(Socket(host.dir + "/socket"), "/other")])


if __name__ == "__main__":
    raise SystemExit(run_tests(globals(), Host, with_others, lambda host: host.log(5)))
