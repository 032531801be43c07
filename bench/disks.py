# SPDX-License-Identifier: BSD-2-Clause
"""What files on ext4 cost (bench/disks.c), in instructions, without a disk's time: the disk is memory."""

import re

from machine import COUNTED, keep, load, run_program


def measure(name, seconds):
    """{row: instructions}"""
    output = run_program(name, "disks", [*COUNTED, "-m", "1G"], seconds, "brd.rd_nr=1 brd.rd_size=393216")
    return {row: float(figure) for row, figure in re.findall(r"^row\t(.*)\t([0-9.]+)$", output, re.M)}


def show(results, markdown):
    linux, cowslip = results["Linux"], results["Cowslip"]
    if markdown:
        print("| operation | Linux 6.1 | Cowslip | ratio |\n|---|---:|---:|---:|")
    for row in list(dict.fromkeys([*linux, *cowslip])):
        left, right = linux.get(row), cowslip.get(row)
        columns = ["-" if value is None else f"{value:,.0f}" for value in (left, right)]
        ratio = f"{right / left:.2f}" if left and right else "-"
        if markdown:
            print(f"| {row} | {columns[0]} | {columns[1]} | {ratio} |")
        else:
            print(f"{row:42} {columns[0]:>15} {columns[1]:>15} {ratio:>7}")


def run(names, seconds, markdown):
    results = load("disks.json")
    for name in names:
        results[name] = measure(name, seconds)
    keep("disks.json", results)
    show(results, markdown)
