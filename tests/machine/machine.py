"""One emulated machine: start QEMU, watch its console, know how it ended."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IMAGE = os.path.join(ROOT, "build", "image")
OVMF = "/usr/share/OVMF"
# Without SMAP, under which the real Xen's dom0 crashes in TCG, and without "fast
# string instructions": kernels would then clear and copy pages byte by byte, which
# an emulator does not do fast (dom0's boot takes a quarter more processor time).
CPU = "max,-smap,-erms,-fsrm"
HVARGS = "console=com1 com1=115200,8n1"
# The real Xen restores FPU registers late on some processors, the emulated one
# among them, and there they leak from one domain into another: programs of dom0
# crash or hang as soon as a guest runs.
PEER_ARGS = "spec-ctrl=eager-fpu"
ECHO = False            # copy consoles to standard output (debugging)
spent = threading.local()  # .seconds: processor time of the machines this thread closed


def default_hv():
    hv = os.environ.get("HV") or os.path.join("build", "paravane.elf")
    return os.path.join(ROOT, hv)


def how_busy():
    """A factor for timeouts: a host with more to do than CPUs is slower."""
    return max(1, min(8, round(os.getloadavg()[0] / (os.cpu_count() or 1))))


def disk_of(folder, size_kib=0):
    """Make an ext4 image labelled `job` of a folder; the caller removes it."""
    used = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(folder) for f in fs)
    fd, path = tempfile.mkstemp(prefix="job-", suffix=".img", dir=os.path.join(ROOT, "build"))
    os.ftruncate(fd, max(size_kib * 1024, used + used // 4 + (16 << 20)))
    os.close(fd)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "job", "-d", folder, path], check=True)
    return path


class Machine:
    """A running QEMU.

    lines    [(seconds since start, text)] of the first serial port so far
    ended    None while it runs, then how it ended: poweroff, reset, killed
             (by us), or died (QEMU itself failed)
    """

    def __init__(self, log, *, machine="pc", smp=2, mem=4096, kernel=None, modules=(),
                 append="", uefi=False, disk=True, snapshot=True, job=None, extra=(), gdb=False,
                 stdio=False, cpu=CPU, icount=False):
        self.log_path = log
        self.tmp = tempfile.mkdtemp(prefix="pv-machine-")
        self.lines = []
        self.ended = None
        self._partial = b""
        self._cond = threading.Condition()
        self._cpu = 0.0
        qmp = os.path.join(self.tmp, "qmp")
        args = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-accel",
                f"tcg,thread={'single' if icount else 'multi'},tb-size=512",
                "-machine", machine, "-cpu", cpu, "-m", str(mem), "-smp", str(smp),
                "-display", "none", "-no-reboot", "-qmp", f"unix:{qmp},server=on,wait=off"]
        if icount:  # instructions instead of time: exact, and no waiting when idle
            args += ["-icount", "shift=0,sleep=off"]
        if not stdio:
            args += ["-serial", "stdio", "-monitor", "none"]
        else:
            args += ["-serial", "mon:stdio"]
        if uefi:
            nvram = os.path.join(self.tmp, "vars.fd")
            shutil.copy(os.path.join(OVMF, "OVMF_VARS_4M.fd"), nvram)
            args += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                     "-drive", f"if=pflash,format=raw,file={nvram}"]
        if kernel:
            args += ["-kernel", kernel, "-append", append]
        if modules:
            args += ["-initrd", ",".join(m.replace(",", ",,") for m in modules)]
        if disk:
            path = disk if isinstance(disk, str) else os.path.join(IMAGE, "disk.img")
            fmt = "qcow2" if path.endswith(".qcow2") else "raw"
            args += ["-drive", f"file={path},if=virtio,format={fmt},cache=unsafe,"
                     f"snapshot={'on' if snapshot else 'off'}"]
        if job:
            args += ["-drive", f"file={job},if=virtio,format=raw,snapshot=on"]
        args += list(extra)
        if gdb:
            args += ["-S", "-gdb", "tcp::1234"]
        self.args = args
        self.start = time.monotonic()
        if stdio:
            self.proc = subprocess.Popen(args)
            return
        self.log = open(log, "wb")
        self.log.write((" ".join(a if re.fullmatch(r"[\w@%+=:,./-]+", a) else repr(a)
                                 for a in args) + "\n").encode())
        self.proc = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._reason = None
        self._qmp = threading.Thread(target=self._watch, args=(qmp,), daemon=True)
        self._qmp.start()

    def _read(self):
        fd = self.proc.stdout.fileno()
        while chunk := os.read(fd, 65536):
            now = time.monotonic() - self.start
            self.cpu()
            self.log.write(chunk)
            self.log.flush()
            if ECHO:
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
            with self._cond:
                parts = (self._partial + chunk).split(b"\n")
                self._partial = parts.pop()
                for p in parts:
                    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", p.decode("utf-8", "replace"))
                    self.lines.append((now, text.strip("\r\x00")))
                self._cond.notify_all()
        self.proc.wait()
        self._qmp.join(5)
        with self._cond:
            if self._partial:
                self.lines.append((time.monotonic() - self.start, self._partial.decode("utf-8", "replace")))
                self._partial = b""
            if self.ended is None:
                self.ended = {"guest-shutdown": "poweroff", "guest-reset": "reset"}.get(self._reason, "died")
            self._cond.notify_all()
        self.log.close()

    def _watch(self, path):
        """QMP tells a power-off from a reset (or a triple fault, which resets)."""
        sock = socket.socket(socket.AF_UNIX)
        for _ in range(200):
            try:
                sock.connect(path)
                break
            except OSError:
                if self.proc.poll() is not None:
                    return
                time.sleep(0.05)
        try:
            sock.sendall(b'{"execute":"qmp_capabilities"}\n')
            for line in sock.makefile():
                event = json.loads(line)
                if event.get("event") == "SHUTDOWN":
                    self._reason = event["data"]["reason"]
        except (OSError, ValueError):
            pass

    def now(self):
        return time.monotonic() - self.start

    def cpu(self):
        """Seconds of the host's processors that it has used so far: unlike the
        time it took, this hardly depends on who else runs."""
        try:
            with open(f"/proc/{self.proc.pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            self._cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, IndexError):
            pass                                 # it is gone: as it was last
        return self._cpu

    def partial(self):
        return self._partial.decode("utf-8", "replace")

    def wait(self, pattern, timeout, after=0, prompt=False):
        """Wait for a console line that matches; (index, match), or (None, None)
        when the machine ended or the time is over. `prompt` also looks at the
        unfinished last line."""
        rx = re.compile(pattern)
        end = time.monotonic() + timeout
        i = after
        with self._cond:
            while True:
                while i < len(self.lines):
                    if m := rx.search(self.lines[i][1]):
                        return i, m
                    i += 1
                if prompt and (m := rx.search(self.partial())):
                    return i, m
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    return None, None
                self._cond.wait(min(left, 1))

    def wait_end(self, timeout):
        end = time.monotonic() + timeout
        with self._cond:
            while not self.ended and time.monotonic() < end:
                self._cond.wait(0.5)
        return self.ended

    def send(self, text):
        try:
            self.proc.stdin.write(text.encode())
            self.proc.stdin.flush()
        except OSError:
            pass

    def close(self):
        """Stop it if it still runs, and leave nothing behind but the log."""
        spent.seconds = getattr(spent, "seconds", 0) + self.cpu()
        if self.proc.poll() is None:
            with self._cond:
                self.ended = self.ended or "killed"
            self.proc.kill()
        self.proc.wait()
        if hasattr(self, "_reader"):
            self._reader.join(5)
        shutil.rmtree(self.tmp, ignore_errors=True)

    def tail(self, n=3):
        return [t for _, t in self.lines if t.strip()][-n:]


def job_disk(files):
    """A job disk of {name: text or bytes}; the caller removes it."""
    tmp = tempfile.mkdtemp(prefix="pv-job-")
    try:
        for name, data in files.items():
            path = os.path.join(tmp, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data if isinstance(data, bytes) else data.encode())
            os.chmod(path, 0o755)
            os.chmod(os.path.dirname(path), 0o755)
        return disk_of(tmp)
    finally:
        subprocess.run(["rm", "-rf", tmp], check=True)


def is_ours(hv):
    with open(hv, "rb") as f:
        return b"Paravane" in f.read()


def quick_boot(log, hv, *, job=None, dom0_kernel="vmlinux", dom0_args="", hvargs="", dom0_mem=None, **kw):
    """Boot hv with the image's dom0 and its quick init; see tests/image."""
    kernel = os.path.join(IMAGE, dom0_kernel)
    cmdline = f"console=hvc0 panic=-1 quiet {dom0_args}".strip()
    hvargs += "" if is_ours(hv) else " " + PEER_ARGS
    append = HVARGS + (f" dom0_mem={dom0_mem}M,max:{dom0_mem}M" if dom0_mem else "")
    return Machine(log, kernel=hv, append=f"{append} {hvargs}".strip(),
                   modules=(f"{kernel} {cmdline}", os.path.join(IMAGE, "quick-initrd")), job=job, **kw)
