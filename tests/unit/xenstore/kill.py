#!/usr/bin/env python3
"""killtest.py PVSTORED KILLS: clients by socket keep their connections while
the daemon is killed again and again; each request is answered once, in order,
and the tree ends as the clients left it."""
import os, random, signal, socket, struct, subprocess, sys, tempfile, threading, time

def pack(t, i, tx, p): return struct.pack('<IIII', t, i, tx, len(p)) + p

class Client(threading.Thread):
    def __init__(self, path, k, stop):
        super().__init__(daemon=True)
        self.s = socket.socket(socket.AF_UNIX); self.s.connect(path)
        self.s.settimeout(20)
        self.k, self.stop, self.buf, self.model = k, stop, b'', {}
        self.error, self.asked, self.events, self.aborts, self.commits = None, 0, 0, 0, 0
        self.rnd = random.Random(k)
    def message(self):
        while True:
            if len(self.buf) >= 16:
                t, i, x, l = struct.unpack('<IIII', self.buf[:16])
                if len(self.buf) >= 16 + l:
                    p = self.buf[16:16 + l]; self.buf = self.buf[16 + l:]
                    return t, i, x, p
            d = self.s.recv(65536)
            if not d: raise EOFError('connection lost')
            self.buf += d
    def reply(self, want):
        while True:
            t, i, x, p = self.message()
            if t == 15: self.events += 1; continue
            if i != want: raise ValueError(f'reply {i}, wanted {want}')
            return t, p
    def ask(self, t, p, tx=0):
        self.asked += 1
        self.s.sendall(pack(t, self.asked, tx, p))
        return self.reply(self.asked)
    def burst(self):
        first = self.asked + 1; msgs = b''; want = []
        for _ in range(self.rnd.randint(1, 40)):
            key = b'/k%d/%d' % (self.k, self.rnd.randint(0, 20)); self.asked += 1
            if self.rnd.random() < .5 or key not in self.model:
                val = b'%d' % self.asked * self.rnd.randint(1, 60)
                self.model[key] = val; msgs += pack(11, self.asked, 0, key + b'\0' + val); want.append(b'OK\0')
            else:
                msgs += pack(2, self.asked, 0, key + b'\0'); want.append(self.model[key])
        self.s.sendall(msgs)
        for n, w in enumerate(want):
            t, p = self.reply(first + n)
            if p != w: raise ValueError(f'{p[:40]} for {w[:40]}')
    def txn(self):
        while not self.stop.is_set():
            t, p = self.ask(6, b'\0'); tx = int(p[:-1])
            t, old = self.ask(2, b'/counter\0', tx)
            self.ask(11, b'/counter\0%d' % (int(old) + 1), tx)
            t, p = self.ask(7, b'T\0', tx)
            if t == 7: self.commits += 1; return
            if p != b'EAGAIN\0': raise ValueError(p)
            self.aborts += 1
    def run(self):
        try:
            self.ask(4, b'/k%d\0tok' % self.k + b'\0')
            while not self.stop.is_set():
                self.burst()
                if self.rnd.random() < .3: self.txn()
        except Exception as e: self.error = repr(e)

def main():
    prog, kills = sys.argv[1], int(sys.argv[2])
    d = tempfile.mkdtemp(); path, state = d + '/s', d + '/j'
    start = lambda: subprocess.Popen([prog, '-f', '-S', path, '-j', state, '--sockets-only', '-l', d + '/log'])
    p = start()
    while not os.path.exists(path): time.sleep(.01)
    time.sleep(.1)
    stop = threading.Event()
    boot = Client(path, 99, stop); boot.ask(11, b'/counter\x000')
    clients = [Client(path, k, stop) for k in range(4)]
    for c in clients: c.start()
    rnd = random.Random(1)
    for n in range(kills):
        time.sleep(rnd.random() * .03 + .002); p.kill(); p.wait(); p = start()
        if any(c.error for c in clients): break
    time.sleep(.5); stop.set()
    for c in clients: c.join(30)
    bad = [c.error or 'stuck' for c in clients if c.error or c.is_alive()]
    if not bad:
        for c in clients:
            for k, v in c.model.items():
                t, got = boot.ask(2, k + b'\0')
                if got != v: bad.append(f'{k}: {got[:30]} is not {v[:30]}')
        n = int(boot.ask(2, b'/counter\0')[1])
        if n != sum(c.commits for c in clients): bad.append(f'counter {n}')
        if boot.ask(0, b'check\0')[1] != b'OK\0': bad.append('check')
    print(f'{kills} kills, {sum(c.asked for c in clients)} requests, {sum(c.events for c in clients)} events, '
          f'{sum(c.commits for c in clients)} commits, {sum(c.aborts for c in clients)} aborts', bad[:3])
    p.send_signal(signal.SIGTERM); p.wait()
    if bad: os.system(f'tail -5 {d}/log')
    return 1 if bad else 0
sys.exit(main())
