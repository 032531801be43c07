# SPDX-License-Identifier: BSD-2-Clause
"""What several CPUs do at once (bench/parallel.c), by the clock on the wall: how much more than one worker in the same run."""

import re

from machine import PARALLEL, keep, load, run_program

CPUS = (2, 4)
# The share of the other's scaling that is still taken for as good: what the host does besides shakes these figures.
MARGIN = 0.9


def measure(name, cpus, seconds):
    """{row: [operations a second of one worker, of all]}"""
    output = run_program(name, "parallel", [*PARALLEL, "-smp", str(cpus), "-m", "1G"], seconds)
    figures = {}
    for row, _, rate in re.findall(r"^parallel\t(.*)\t(\d+)\t(\d+)$", output, re.M):
        figures.setdefault(row, []).append(int(rate))
    return figures


def scaling(figures):
    return figures[1] / figures[0] if figures and len(figures) == 2 and figures[0] else None


def cells(figures):
    factor = scaling(figures)
    return f"{figures[0]:>10,} {figures[1]:>10,} {factor:>6.2f}" if factor else f"{'-':>10} {'-':>10} {'-':>6}"


def show(results):
    for cpus in map(str, CPUS):
        print(f"\n{cpus + ' CPUs, operations a second':36} {'Linux, 1':>10} {'all':>10} {'times':>6}"
              f" {'Cowslip, 1':>11} {'all':>10} {'times':>6}")
        linux, cowslip = results["Linux"].get(cpus, {}), results["Cowslip"].get(cpus, {})
        for row in linux or cowslip:
            left, right = linux.get(row), cowslip.get(row)
            verdict = ""
            if scaling(left) and scaling(right):
                verdict = " as well" if scaling(right) >= MARGIN * scaling(left) else " NOT as well"
            print(f"{row:36} {cells(left)}  {cells(right)}{verdict}")


def run(names, seconds):
    results = load("parallel.json")
    for name in names:
        results[name] = {str(cpus): measure(name, cpus, seconds) for cpus in CPUS}
    keep("parallel.json", results)
    show(results)
