"""What the tests of the store's daemon share: the daemon over a hypervisor made
of files (fake-xen.c), guests' ends of their rings, and clients of both kinds."""
import mmap
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

# The scripts are run by links beside the programs.
BUILT = os.path.dirname(os.path.abspath(sys.argv[0]))
READ, WATCH, START, END, INTRODUCE, WRITE, SET_PERMS, EVENT = 2, 4, 6, 7, 8, 11, 14, 15
CONTROL = 0
PATIENCE = 30  # seconds for an answer


def program(name):
    """A program of this build, or what the environment names instead."""
    return os.environ.get(name.upper().replace("-", "_")) or os.path.join(BUILT, name)


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


class Client:
    """Asks over a Socket or a Ring. `home` is the folder it works in."""

    def __init__(self, port, home):
        self.port, self.home = port, home.encode()
        self.buf, self.asked, self.events = b"", 0, 0

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


class Daemon:
    def __init__(self, folder):
        self.args = [program("pvstored"), "-f", "-S", folder + "/socket", "-j", folder + "/journal", "-l", folder + "/log"]
        self.env = {**os.environ, "FAKE_XEN": folder, "ASAN_OPTIONS": "detect_leaks=0"}
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.args, env=self.env)

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


class Host:
    """A folder with a daemon in it, and its administrator."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="pv-store-")
        os.mkfifo(self.dir + "/events")
        self.events = os.open(self.dir + "/events", os.O_RDWR)
        self.daemon = Daemon(self.dir)
        end = time.time() + PATIENCE
        while not self.answers() and time.time() < end:
            time.sleep(.01)
        self.boot = Client(Socket(self.dir + "/socket"), "/boot")

    def answers(self):
        """The socket is there a moment before somebody listens."""
        try:
            Socket(self.dir + "/socket").s.close()
            return True
        except OSError:
            return False

    def guest(self, domid):
        """A new guest's ring, introduced; its home is its own."""
        home = b"/local/domain/%d" % domid
        self.boot.must(WRITE, home + b"\0")
        self.boot.must(SET_PERMS, home + b"\0n%d\0" % domid)
        ring = Ring(self.dir, domid)
        self.boot.must(INTRODUCE, b"%d\0001\0%d\0" % (domid, domid))
        return ring

    def log(self, lines):
        with open(self.dir + "/log") as f:
            return "".join(f.readlines()[-lines:])

    def close(self):
        if self.daemon.process.poll() is None:
            self.daemon.end(signal.SIGTERM)  # its holder ends with it
        os.close(self.events)
        shutil.rmtree(self.dir)


def run_tests(tests, make, test_with, trouble=lambda host: ""):
    """Each test_... of the dictionary `tests` on a host of its own that `make` makes,
    reported in cmocka's words; test_with(test, host) calls it, trouble(host) is said
    beside a failure. Returns how many failed."""
    failed = 0
    for name, test in list(tests.items()):
        if not name.startswith("test_"):
            continue
        host = make()
        try:
            test_with(test, host)
            print(f"[       OK ] {name}")
        except Exception as e:
            failed += 1
            print(f"{trouble(host)}{type(e).__name__}: {e}\n[  FAILED  ] {name}")
        finally:
            host.close()
    return failed
