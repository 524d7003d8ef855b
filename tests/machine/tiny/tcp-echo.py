#!/usr/bin/env python3
"""tcp-echo.py ADDRESS STREAMS SECONDS: for that long, as many streams send what
they like to the echo service and check that the same comes back, by its sum, to
the last byte; a second without any byte is counted as a pause. With SECONDS 0:
end it, by a datagram."""
import hashlib
import os
import socket
import sys
import threading
import time

address, streams, secs = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
if not secs:
    for _ in range(3):
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"end", (address, 9))
    sys.exit(0)
results = []


def send(sock, blocks, sums):
    n, end = 0, time.monotonic() + secs
    while n == 0 or time.monotonic() < end:
        data = blocks[n % len(blocks)][:65536 - n * 1021 % 50000]
        sock.sendall(data)
        sums.update(data)
        n += 1
    sock.shutdown(socket.SHUT_WR)


def stream(number):
    sent, got, total, longest = hashlib.blake2b(), hashlib.blake2b(), 0, 0.0
    try:
        sock = socket.create_connection((address, 7), timeout=240)
        blocks = [os.urandom(65536) for _ in range(4)]
        sender = threading.Thread(target=send, args=(sock, blocks, sent))
        sender.start()
        last = time.monotonic()
        while data := sock.recv(1 << 17):
            got.update(data)
            total += len(data)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        sender.join()
        same = sent.digest() == got.digest()
        results.append((same, total, longest, "" if same else f"stream {number} is not what was sent"))
    except OSError as e:
        results.append((False, total, longest, f"stream {number}: {e}"))


threads = [threading.Thread(target=stream, args=(n,)) for n in range(streams)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(f"{streams} streams, {sum(r[1] for r in results) / 1e6:.1f} MB there and back, longest pause "
      f"{max(r[2] for r in results):.1f} s", *[r[3] for r in results if r[3]])
sys.exit(not all(r[0] for r in results))
