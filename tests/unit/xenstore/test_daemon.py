#!/usr/bin/env python3
"""The real daemon and the shell tool, as an administrator meets them: a damaged
journal, a second daemon, the log after rotation, each command of pvstore, and a
program written to <xenstore.h>."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from filehost import END, PATIENCE, READ, START, WRITE, Client, Socket, program, run_tests


class Host:
    """A folder with a daemon in it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="pv-daemon-")
        self.env = {**os.environ, "XENSTORED_PATH": self.dir + "/socket", "ASAN_OPTIONS": "detect_leaks=0"}
        self.daemon = None

    def command(self, *more):
        return [program("pvstored"), "-f", "-S", self.dir + "/socket", "-j", self.dir + "/journal",
                "--sockets-only", *more]

    def start(self, *more):
        self.daemon = subprocess.Popen(self.command("-l", self.dir + "/log", *more), env=self.env)
        end = time.time() + PATIENCE
        while self.store("exists", "/")[0] and time.time() < end:
            time.sleep(.02)

    def stop(self, how=signal.SIGTERM):
        self.daemon.send_signal(how)
        self.daemon.wait(PATIENCE)
        self.daemon = None

    def refuses(self, *more):
        """What a daemon says that does not start."""
        done = subprocess.run(self.command(*more), env=self.env, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 1, f"exit status {done.returncode}"
        return done.stderr

    def store(self, *args):
        done = subprocess.run([program("pvstore"), *args], env=self.env, capture_output=True, text=True,
                              timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def said(self, *args):
        code, out, err = self.store(*args)
        assert not code, f"{args}: {err}"
        return out

    def log(self):
        with open(self.dir + "/log") as f:
            return f.read()

    def close(self):
        if self.daemon:
            self.stop()
        shutil.rmtree(self.dir)


def test_a_damaged_journal_is_refused_and_recovered(h):
    h.start()
    h.said("write", "/kept", "1")
    h.said("write", "/damaged", "unmistakable")
    h.said("write", "/after", "1")
    h.stop()
    with open(h.dir + "/journal", "r+b") as f:
        at = f.read().index(b"unmistakable")
        f.seek(at)
        f.write(b"X")
        f.seek(0)
        bad = f.read()
    text = h.refuses()
    where = re.search(r"/journal: batch (\d+) at byte (\d+): the checksum is wrong; (\d+) batches before it are good;"
                      r" --recover goes on from there", text)
    assert where, text
    assert 0 < at - int(where[2]) < 4096 and int(where[1]) == int(where[3]) + 1, text
    with open(h.dir + "/journal", "rb") as f:
        assert f.read() == bad, "the file was changed"
    h.start("--recover")
    assert h.said("read", "/kept") == "1\n"
    assert h.store("exists", "/damaged")[0] == 1 and h.store("exists", "/after")[0] == 1
    with open(h.dir + "/journal.bad", "rb") as f:
        assert f.read() == bad, "the damaged file was not kept"
    assert h.said("control", "check") == "OK\n"


def test_questions_outlive_a_shorter_journal(h):
    """Answers that left no record, before a new file takes the journal's place
    and after."""
    h.start()
    asks, writes = (Client(Socket(h.dir + "/socket"), "/") for _ in range(2))
    writes.must(WRITE, b"/a\0x")
    asks.must(READ, b"/a\0")
    inode = os.stat(h.dir + "/journal").st_ino
    for n in range(8000):
        writes.must(WRITE, b"/big\0" + b"%d" % (n % 10) * 4000)
        if n % 100 == 0 and inode != os.stat(h.dir + "/journal").st_ino:
            break
    assert inode != os.stat(h.dir + "/journal").st_ino, "there is no new journal"
    for _ in range(3):
        asks.must(READ, b"/a\0")
    h.stop(signal.SIGKILL)
    h.start()
    assert asks.must(READ, b"/a\0") == b"x" and writes.must(READ, b"/big\0")[:1] == b"%d" % (n % 10)


def test_one_daemon_at_a_time(h):
    h.start()
    assert "another pvstored" in h.refuses()
    text = h.refuses("--no-state")
    assert re.search(r"another store daemon \(process \d+\) answers there", text), text


def test_a_restart_after_sigterm_knows_everything(h):
    h.start()
    h.said("write", "/kept", "1")
    h.stop()
    h.start()
    assert h.said("read", "/kept") == "1\n"


def test_nothing_is_left_when_clients_come_as_it_stops(h):
    """The holder hears that it shall end, though the daemon has not read of these."""
    h.start()
    h.daemon.send_signal(signal.SIGSTOP)
    late = [Socket(h.dir + "/socket") for _ in range(50)]
    time.sleep(.2)
    h.daemon.send_signal(signal.SIGTERM)
    h.daemon.send_signal(signal.SIGCONT)
    h.daemon.wait(PATIENCE)
    h.daemon = None
    for s in late:
        try:
            assert not s.s.recv(1)
        except ConnectionResetError:
            pass


def asked_while_stopped(h, requests):
    """A client that sends all of it while the daemon stands still."""
    client = Client(Socket(h.dir + "/socket"), "/")
    client.must(READ, b"/\0")
    h.daemon.send_signal(signal.SIGSTOP)
    client.port.send(b"".join(client.pack(READ, b"/\0") for _ in range(requests)))
    return client


def test_what_one_turn_leaves_is_answered(h, *more):
    """More than is taken at a time, and nothing comes after it."""
    h.start(*more)
    client = asked_while_stopped(h, 2000)
    h.daemon.send_signal(signal.SIGCONT)
    for n in range(2000):
        client.reply(2 + n)


def test_who_leaves_behind_a_request_is_forgotten(h, *more):
    h.start(*more)
    before = h.said("control", "clients").count("\n")
    for requests in 1, 2000:
        client = asked_while_stopped(h, requests)
        client.port.s.close()
        h.daemon.send_signal(signal.SIGCONT)
        end = time.time() + PATIENCE
        while h.said("control", "clients").count("\n") > before and time.time() < end:
            time.sleep(.02)
        assert h.said("control", "clients").count("\n") == before, h.said("control", "clients")


def test_neither_needs_a_journal(h):
    test_what_one_turn_leaves_is_answered(h, "--no-state")
    h.stop()
    test_who_leaves_behind_a_request_is_forgotten(h, "--no-state")


def test_the_log_is_opened_again(h):
    h.start()
    os.rename(h.dir + "/log", h.dir + "/log.1")
    h.daemon.send_signal(signal.SIGHUP)
    end = time.time() + PATIENCE
    while not os.path.exists(h.dir + "/log") and time.time() < end:
        time.sleep(.02)
    h.said("control", "print", "after rotation")
    assert "after rotation" in h.log()


def live_update(h, *steps):
    return [h.said("control", "live-update", *step) for step in steps]


def test_a_live_update_keeps_everything(h):
    h.start()
    pid = h.daemon.pid
    h.said("write", "/kept", "1")
    c = Client(Socket(h.dir + "/socket"), "/")
    tx = int(c.must(START, b"\0")[:-1])
    c.must(WRITE, b"/inside\0002", tx)
    old, new = program("pvstored"), h.dir + "/pvstored-new"
    assert live_update(h, ["-s"]) == ["no program was named\n"]
    assert live_update(h, ["-f", h.dir + "/nothing"]) == ["No such file or directory\n"]
    with open(new, "w") as f:
        f.write(f'#!/bin/sh\nexec {old} -T "$@"\n')
    os.chmod(new, 0o755)
    assert live_update(h, ["-f", new], ["-s", "-t", "60"]) == ["OK\n", "OK\n"]
    assert c.must(READ, b"/kept\0") == b"1"
    assert c.ask(END, b"T\0", tx)[0] == END
    assert c.must(READ, b"/inside\0") == b"2"
    assert f" READ tx 0 \"/inside\": ok" in h.log(), "it is not the new program's log"
    assert h.daemon.pid == pid and h.daemon.poll() is None
    # One that cannot be run: the old one goes on.
    with open(new, "w") as f:
        f.write("nonsense")
    assert live_update(h, ["-f", new], ["-s"]) == ["OK\n", "OK\n"]
    assert c.must(READ, b"/inside\0") == b"2"
    assert "does not start: Exec format error; going on as before" in h.log()


def test_the_log_goes_elsewhere(h):
    h.start()
    assert "\tlogfile <file>\n" in h.said("control", "help")
    assert h.said("control", "logfile", h.dir + "/none/log") == "No such file or directory\n"
    assert h.said("control", "logfile", h.dir + "/log2") == "OK\n"
    h.said("control", "print", "said there")
    with open(h.dir + "/log2") as f:
        assert "said there" in f.read()


def test_the_shell_tool(h):
    h.start()
    h.said("write", "/a/b", "one\ttwo", "/a/c", "")
    assert h.said("read", "/a/b") == "one\\ttwo\n"
    assert json.loads(h.said("--json", "read", "/a/b")) == {"/a/b": "one\ttwo"}
    assert h.said("list", "/a") == "b\nc\n"
    assert json.loads(h.said("--json", "list", "/a")) == {"/a": ["b", "c"]}
    h.said("chmod", "-r", "/a", "n0", "r5")
    assert '/a/b = "one\\ttwo"   (n0,r5)\n' in h.said("ls", "-f", "-p", "/a")
    tree = json.loads(h.said("--json", "tree", "-p", "/a"))
    assert tree["/a"]["children"]["c"] == {"value": "", "permissions": "n0,r5"}, tree
    assert h.said("watch", "-n", "1", "/a/b") == "/a/b\n"
    assert json.loads(h.said("--json", "watch", "-n", "1", "/a")) == {"path": "/a", "watch": "/a"}
    assert h.store("exists", "/a/b", "/a/x")[0] == 1
    assert json.loads(h.store("--json", "exists", "/a/b", "/a/x")[1]) == {"/a/b": True, "/a/x": False}
    h.said("control", "quota", "set", "nodes", "77")
    assert re.search(r"nodes +: +77\n", h.said("control", "quota"))
    assert json.loads(h.said("--json", "quotas"))["0"]["nodes"]["used"] == 6
    top = json.loads(h.said("--json", "top", "-n", "1", "-d", ".1"))
    assert top[0]["domain"] == 0 and not top[0]["ring"], top
    h.said("rm", "-t", "/a/b")
    h.said("rm", "-t", "/a/c")
    assert h.store("exists", "/a")[0] == 1, "rm -t left the empty parent"
    code, _, err = h.store("read", "/none")
    assert code == 1 and err == "pvstore: /none: No such file or directory\n", err
    assert h.store("read")[0] == 2 and h.store("nonsense")[0] == 2


def test_transactions_on_one_node_take_turns(h):
    h.start()
    out = subprocess.run([program("bench_store"), "-s", "0.5", "-c", "8", "-p", "tx-shared-node", h.dir + "/socket"],
                         capture_output=True, text=True, timeout=60).stdout
    rate = {name: float(n) for name, n in re.findall(r"^(\S+) 8 ([0-9.]+) per-s", out, re.M)}
    assert rate["tx-shared-node"] > 2 * rate.get("tx-shared-node-aborts", 0), out


def test_a_program_written_to_xenstore_h(h):
    h.start()
    done = subprocess.run([program("xs-program")], env=h.env, capture_output=True, text=True, timeout=90)
    assert not done.returncode, done.stdout


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Host, lambda test, host: test(host)))
