# SPDX-License-Identifier: BSD-2-Clause
"""What several CPUs do at once (bench/parallel.c): how much more than one worker in the same run.

By the clock on the wall, or counted: then the CPUs take turns, and the clock counts the instructions of all of them.  Nothing is
faster with more workers that way, but an operation should not cost more: what it does cost more, it has spent on waiting for others.
"""

import re

from machine import COUNTED_BY_ALL, PARALLEL, keep, load, run_program

CPUS = (2, 4)
# The share of the other's scaling that is still taken for as good: what the host does besides shakes these figures.
MARGIN = 0.9


def measure(name, cpus, seconds, counted):
    """{row: [operations a second of one worker, of all]}"""
    words = COUNTED_BY_ALL if counted else PARALLEL
    output = run_program(name, "parallel", [*words, "-smp", str(cpus), "-m", "1G"], seconds, "counted" if counted else "")
    figures = {}
    for row, _, rate in re.findall(r"^parallel\t(.*)\t(\d+)\t(\d+)$", output, re.M):
        figures.setdefault(row, []).append(int(rate))
    return figures


def pair(figures, counted):
    """Of one worker, and of all: operations a second, or instructions an operation; None if either is missing."""
    if not figures or len(figures) != 2 or not all(figures):
        return None
    return [1e9 / rate for rate in figures] if counted else figures


def cells(both):
    return f"{both[0]:>10,.0f} {both[1]:>10,.0f} {both[1] / both[0]:>6.2f}" if both else f"{'-':>10} {'-':>10} {'-':>6}"


def verdict(left, right, counted):
    if not left or not right:
        return ""
    linux, cowslip = left[1] / left[0], right[1] / right[0]
    good = cowslip * MARGIN <= linux if counted else cowslip >= MARGIN * linux
    return " as well" if good else " NOT as well"


def show(results, counted):
    for cpus in map(str, CPUS):
        title = cpus + (" CPUs, instructions an operation" if counted else " CPUs, operations a second")
        print(f"\n{title:36} {'Linux, 1':>10} {'all':>10} {'times':>6} {'Cowslip, 1':>11} {'all':>10} {'times':>6}")
        linux, cowslip = results["Linux"].get(cpus, {}), results["Cowslip"].get(cpus, {})
        for row in linux or cowslip:
            left, right = pair(linux.get(row), counted), pair(cowslip.get(row), counted)
            print(f"{row:36} {cells(left)}  {cells(right)}{verdict(left, right, counted)}")


def run(names, seconds, counted):
    file_name = "parallel-counted.json" if counted else "parallel.json"
    results = load(file_name)
    for name in names:
        results[name] = {str(cpus): measure(name, cpus, seconds, counted) for cpus in CPUS}
    keep(file_name, results)
    show(results, counted)
