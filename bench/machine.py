# SPDX-License-Identifier: BSD-2-Clause
"""The virtual machine in which both kernels run, and the results that are kept between runs."""

import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
FOLDER = "build/bench"
KERNELS = {"Linux": "build/linux/vmlinuz", "Cowslip": "build/x86_64/cowslip"}
WORDS = {"Linux": "mitigations=off", "Cowslip": ""}

MACHINE = ["qemu-system-x86_64", "-machine", "pc", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
           "-serial", "stdio"]
# The guest's clock counts instructions.
COUNTED_BY_ALL = ["-accel", "tcg", "-icount", "shift=0,sleep=off"]
COUNTED = [*COUNTED_BY_ALL, "-smp", "1"]
# A thread of the host for each CPU, and the host's clock.
PARALLEL = ["-accel", "tcg,thread=multi"]


def boot(words, seconds, log=None):
    """Runs QEMU until it ends or the time is up; returns what came out of the serial line."""
    command = [*MACHINE, *words]
    try:
        output = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                timeout=seconds, check=False).stdout
    except subprocess.TimeoutExpired as expired:
        output = (expired.stdout or b"") + b"\n# time is up\n"
    if log:
        with open(log, "wb") as file:
            file.write(output)
    return output.decode(errors="replace").replace("\r", "")



def run_program(name, program, words, seconds, more=""):
    """Boots the kernel with the program as the first one; returns what it printed."""
    append = f"console=ttyS0 quiet panic=-1 {WORDS[name]} {more}".strip()
    log = f"{FOLDER}/{name}-{program}.log"
    output = boot([*words, "-kernel", KERNELS[name], "-initrd", f"{FOLDER}/{program}.cpio", "-append", append], seconds, log)
    if "bench done" not in output:
        print(f"{name} did not reach the end of the benchmark: see {log}", file=sys.stderr)
    return output


def load(file_name):
    """What an earlier run kept: {kernel: …}."""
    results = {name: {} for name in KERNELS}
    if os.path.exists(f"{FOLDER}/{file_name}"):
        with open(f"{FOLDER}/{file_name}", encoding="utf-8") as file:
            results.update({name: kept for name, kept in json.load(file).items() if name in KERNELS})
    return results


def keep(file_name, results):
    with open(f"{FOLDER}/{file_name}", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
