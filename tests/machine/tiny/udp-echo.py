#!/usr/bin/env python3
"""udp-echo.py ADDRESS COUNT: datagrams of all sizes come back; then end it."""
import socket
import sys

address, count = sys.argv[1], int(sys.argv[2])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(3)
lost = 0
for i in range(count):
    data = bytes([i % 256]) * (1 + i * 1471 // count)
    for _ in range(3):  # a datagram may be lost
        sock.sendto(data, (address, 7))
        try:
            if sock.recv(2000) == data:
                break
        except TimeoutError:
            pass
    else:
        lost += 1
sock.sendto(b"end", (address, 9))
print(f"{count - lost} of {count} datagrams came back")
sys.exit(1 if lost else 0)
