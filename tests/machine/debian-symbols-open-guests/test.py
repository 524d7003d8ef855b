"""With the debug symbols of Debian's kernel: stock gdb goes from a guest's first
instruction through its panic by source lines; on the dead guest it names the frames
that the kernel's own trace names; Debian's crash opens the dump and names them too."""
import os
import re
import shutil
import subprocess
import tempfile
import time

import machine
from verdict import Fail, Skip

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(machine.ROOT, "build")
SYMBOLS = os.path.join(BUILD, "kernel-symbols")
VMLINUX = os.path.join(SYMBOLS, "vmlinux")
CRASH = os.path.join(BUILD, "more-crash")
GDB = os.path.join(BUILD, "more-gdb")
SECS = 400
CORE_SIZE = 400 << 20


def need(script, *args):
    got = subprocess.run([os.path.join(machine.ROOT, "tests", "image", script), *args], capture_output=True, text=True)
    if got.returncode:
        raise Skip((got.stdout + got.stderr).strip().split("\n")[-1])


def job_disk(ctx):
    work = tempfile.mkdtemp(prefix="pv-job-")
    try:
        shutil.copy(os.path.join(HERE, "..", "lib.sh"), work)
        shutil.copytree(os.path.join(BUILD, "tests", "machine", "job"), os.path.join(work, "files"))
        with open(os.path.join(HERE, "dom0.sh")) as f, open(os.path.join(work, "run.sh"), "w") as out:
            out.write(f"export SLOW={ctx.slow}\n" + f.read())
        return machine.disk_of(work)
    finally:
        shutil.rmtree(work)


def tool(folder, program, *args, **kw):
    tree = os.path.join(folder, "tree", "usr")
    return subprocess.run([os.path.join(tree, "bin", program), *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, LD_LIBRARY_PATH=os.path.join(tree, "lib", "x86_64-linux-gnu")),
                          text=True, errors="replace", timeout=240, **kw).stdout


def gdb(line, log, *commands):
    """What gdb says; it may take its time with nearly a gigabyte of symbols."""
    args = ["-nx", "-batch", VMLINUX, "-ex", "set pagination off", "-ex", "set confirm off", "-ex", "set remotetimeout 60",
            "-ex", f"target remote {line}"]
    for c in commands:
        args += ["-ex", c]
    said = tool(GDB, "gdb", *args, stdin=subprocess.DEVNULL)
    with open(log, "a") as f:
        f.write(f"== gdb {' ; '.join(commands)}\n{said}\n")
    return said


def crash(core, log, *commands):
    said = tool(CRASH, "crash", "-s", VMLINUX, core, input="\n".join(commands) + "\nquit\n")
    with open(log, "a") as f:
        f.write(f"== crash {' ; '.join(commands)}\n{said}\n")
    return said


def expect(said, who, *patterns):
    for p in patterns:
        if not re.search(p, said):
            raise Fail(f"{who} did not say '{p}': ...{said[-300:]!r}")


def wait(m, what, ctx):
    i, v = m.wait(rf"{what}|VERDICT-FAIL (.*)", SECS * ctx.slow)
    if i is None or v[1]:
        raise Fail(v[1] if v else f"no {what}; last lines: " + " | ".join(m.tail(2)))
    return i


def frames_of_console(m):
    """Functions of the kernel's own trace that it is sure of, innermost first."""
    found, inside = [], False
    for _, text in m.lines:
        inside = (inside or "Call Trace:" in text) and "</TASK>" not in text
        if inside and (f := re.search(r"\] +([a-z_0-9]+)\+0x", text)):
            found.append(f[1])
    return found


def compare(frames, said, who):
    """Its functions come in the same order in what `who` says."""
    at = 0
    for name in frames:
        f = re.search(rf"\b{name}\b", said[at:])
        if not f:
            raise Fail(f"{who} does not have {name} where the console's trace ({' '.join(frames)}) has it")
        at += f.end()


def run(ctx, log):
    with open(os.path.join(machine.IMAGE, "kver")) as f:
        need("kernel-symbols.sh", f.read().strip(), SYMBOLS)
    need("more.sh", os.path.join(machine.IMAGE, "tree"), CRASH, "crash")
    said = log.replace(".log", "-debuggers.log")
    tmp, job = tempfile.mkdtemp(prefix="pv-gdb-"), job_disk(ctx)
    line, core = os.path.join(tmp, "line"), os.path.join(tmp, "core")
    with open(core, "wb") as f:
        f.truncate(CORE_SIZE)
    open(said, "w").close()
    m = machine.quick_boot(log, ctx.hv, job=job, dom0_mem=1024, mem=3072, extra=[
        "-nic", "none", "-serial", f"unix:{line},server=on,wait=off",
        "-drive", f"file={core},if=virtio,format=raw,cache=unsafe"])
    try:
        wait(m, "HOST-GDB-RUN", ctx)
        out = gdb(line, said, "hbreak start_kernel", "hbreak sysrq_handle_crash", "continue", "bt", "next", "next",
                  "info locals", "continue", "bt", "print linux_banner", "next", "tbreak panic",
                  "continue", "step", "bt 4", "info threads", "delete", "detach")
        expect(out, "gdb", r"Breakpoint 1, start_kernel", r"Breakpoint 2, sysrq_handle_crash", r"#\d+ .*write_sysrq_trigger",
               r"Linux version 6", r"(?s)breakpoint 3, panic \(fmt=.*#0 .*panic.*#1 .*sysrq_handle_crash.*vcpu 1")
        wait(m, "HOST-GDB-DEAD", ctx)
        frames = frames_of_console(m)
        if len(frames) < 5:
            raise Fail(f"the console has no trace: {frames}")
        out = gdb(line, said, "thread apply all bt", "detach")
        compare([f for f in frames if f not in ("dump_stack_lvl", "dump_stack")], out, "gdb")
        wait(m, "HOST-CRASH", ctx)
        time.sleep(1)
        if keep := os.environ.get("KEEP_CORE"):
            shutil.copy(core, keep)
        compare([f for f in frames if f not in ("dump_stack_lvl", "dump_stack")], crash(core, said, "bt"), "crash")
        # Its ps misses tasks of kernels whose struct pid ends in a flexible array.
        with open(os.path.join(SYMBOLS, "System.map")) as f:
            init_task = next(line.split()[0] for line in f if line.split()[2] == "init_task")
        out = crash(core, said, "sys", "ps", "log", f"list task_struct.tasks -s task_struct.comm -h {init_task}")
        expect(out, "crash", r"PANIC: \"Kernel panic - not syncing: sysrq triggered crash\"", r"swapper/1",
               r"sysrq: Trigger a crash", r"\bsh\b", r'comm = "kthreadd')
        wait(m, "VERDICT-OK", ctx)
    finally:
        m.close()
        os.unlink(job)
        shutil.rmtree(tmp, ignore_errors=True)


def cases(ctx):
    return [("", run, dict(secs=SECS, soak=True))]
