# SPDX-License-Identifier: BSD-2-Clause
"""From the start to a shell at the login of Debian's root on a disk, in instructions (bench/login.c).

The disk is the host's, and what is typed comes from it: a process that spins takes the time that a kernel waits, and is taken out again.
"""

import os
import re
import select
import statistics
import subprocess
import time

from machine import FOLDER, KERNELS, MACHINE, WORDS, keep, load

ROOT = os.environ.get("DEBIAN_ROOT", "build/debian/root.img")
ROW = "Debian's root on a disk, to a shell at its login"
TURNS = 3
# As COUNTED, but while the machine waits before that process is there, the host's time passes and not that of the next timer.
WAITING = ["-accel", "tcg", "-icount", "shift=0,sleep=on", "-smp", "1"]
# What the console shows, and what is typed then.
STEPS = (("login: ", "root\n"), ("# ", "/run/counted\n"), ("counted\t", None), ("\n", None))


def talk(process, seconds):
    """Goes through STEPS; what the console showed."""
    end, seen, step, start = time.monotonic() + seconds, "", 0, 0
    while step < len(STEPS):
        at = seen.find(STEPS[step][0], start)
        if at >= 0:
            start = at + len(STEPS[step][0])
            if STEPS[step][1]:
                process.stdin.write(STEPS[step][1].encode())
                process.stdin.flush()
            step += 1
            continue
        if not select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0]:
            break
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            break
        seen += data.decode(errors="replace")
    return seen


def turn(name, seconds):
    command = [*MACHINE, *WAITING, "-m", "1G", "-drive", f"file={ROOT},format=raw,if=virtio,snapshot=on,cache=unsafe", "-kernel", KERNELS[name],
               "-initrd", f"{FOLDER}/login.cpio", "-append", f"console=ttyS0 quiet panic=-1 {WORDS[name]}".strip()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        seen = talk(process, seconds)
        process.kill()
    with open(f"{FOLDER}/{name}-login.log", "w", encoding="utf-8") as file:
        file.write(seen)
    found = re.search(r"counted\t(\d+)\t(\d+)", seen)
    return int(found[1]) - int(found[2]) if found else None


def run(names, seconds, markdown):
    results = load("login.json")
    for name in names:
        results[name] = [figure for figure in (turn(name, seconds) for _ in range(TURNS)) if figure]
    keep("login.json", results)
    middles = {name: statistics.median(results[name]) if results.get(name) else None for name in KERNELS}
    for name in KERNELS:
        if results.get(name):
            print(f"{name}: {min(results[name]):,} to {max(results[name]):,} in {len(results[name])} turns")
    columns = ["-" if value is None else f"{value:,.0f}" for value in middles.values()]
    ratio = f"{middles['Cowslip'] / middles['Linux']:.2f}" if all(middles.values()) else "-"
    if markdown:
        print(f"| {ROW} | {columns[0]} | {columns[1]} | {ratio} |")
    else:
        print(f"{ROW:52} {columns[0]:>15} {columns[1]:>15} {ratio:>7}")
