#!/usr/bin/env python3
"""Run cmocka programs, as many at a time as there are CPUs, and count: run.py PROGRAM..."""
import concurrent.futures
import os
import re
import subprocess
import sys


def run(program):
    """(passed, failed) of one program; one that dies midway fails once more."""
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0"}
    try:
        out = subprocess.run([program], capture_output=True, text=True, errors="replace", timeout=300, env=env)
        text, code = out.stdout + out.stderr, out.returncode
    except subprocess.TimeoutExpired as e:
        text, code = f"{e.stdout}\nno end after 300 s", -1
    passed = len(re.findall(r"^\[\s+OK \]", text, re.M))
    failed = len(set(re.findall(r"^\[\s+FAILED\s+\] (\w+)$", text, re.M)))
    if code and not failed:
        failed = 1
    if code or not passed:
        failed = failed or 1
    else:
        text = ""
    verdict = f"{'fail' if failed else 'pass'}  {os.path.basename(program)}: {passed} passed, {failed} failed"
    print(f"{text}\n{verdict}" if text else verdict, flush=True)
    return passed, failed


def main():
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(run, sys.argv[1:]))
    passed, failed = sum(c[0] for c in counts), sum(c[1] for c in counts)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
