# SPDX-License-Identifier: BSD-2-Clause
"""What fork costs by the memory that a process has touched (bench/forks.c), and the plot of it."""

import math
import re

from machine import COUNTED, keep, load, run_program

PLOT = "doc/fork.svg"
MEMORY = "10G"  # for 8 GiB; what does not fit is left out by the program
PANELS = ("the fork call", "first write into each 2 MiB after it", "fork + exit + wait")
COLOURS = {"Linux": "#b4472e", "Cowslip": "#2e6fb4"}

WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 220, 62, 44, 78  # of a panel's inside, and the space around it


def measure(name, seconds):
    """[[MiB, call, first write, cycle], …] in instructions"""
    output = run_program(name, "forks", [*COUNTED, "-m", MEMORY], seconds)
    return [list(map(int, row)) for row in re.findall(r"^fork\t(\d+)\t(\d+)\t(\d+)\t(\d+)$", output, re.M)]


def size_text(mib):
    return f"{mib} MiB" if mib < 1024 else f"{mib // 1024} GiB"


def count_text(exponent):
    return ("1", "10", "100", "1k", "10k", "100k", "1M", "10M", "100M", "1G", "10G")[exponent]


def text(x, y, words, anchor="middle", more=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{more}>{words}</text>'


def panel(number, results):
    """One plot, both axes logarithmic."""
    sizes = sorted({row[0] for rows in results.values() for row in rows})
    figures = [row[number + 1] for rows in results.values() for row in rows]
    low, high = math.floor(math.log10(min(figures))), math.ceil(math.log10(max(figures) * 1.01))
    left = LEFT + number * (WIDTH + GAP)
    span = max(math.log(sizes[-1] / sizes[0]), 1)

    def x(mib):
        return left + WIDTH * math.log(mib / sizes[0]) / span

    def y(figure):
        return TOP + HEIGHT * (high - math.log10(figure)) / max(high - low, 1)

    yield text(left + WIDTH / 2, TOP - 16, PANELS[number], more=' font-weight="bold"')
    for exponent in range(low, high + 1):
        at = y(10 ** exponent)
        yield f'<path d="M{left} {at:.1f}h{WIDTH}" stroke="#ddd"/>'
        yield text(left - 6, at + 4, count_text(exponent), "end")
    for mib in sizes:
        yield f'<path d="M{x(mib):.1f} {TOP + HEIGHT}v4" stroke="#888"/>'
        yield text(x(mib), TOP + HEIGHT + 18, size_text(mib).replace(" ", "\u202f"), more=' font-size="9"')
    for name, rows in results.items():
        points = [(x(row[0]), y(row[number + 1])) for row in rows]
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        yield f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>'
        for px, py in points:
            yield f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{COLOURS[name]}"/>'
        if points:
            yield text(points[-1][0], points[-1][1] - 8, name, "end", f' fill="{COLOURS[name]}"')


def plot(results):
    width, height = LEFT + 3 * (WIDTH + GAP) - GAP + 24, TOP + HEIGHT + 52
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
             "<title>What fork costs, by the memory touched before</title>",
             f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for number in range(len(PANELS)):
        parts.extend(panel(number, results))
    parts.append(text(width / 2, height - 12, "memory touched before the fork; instructions"))
    return "\n".join([*parts, "</svg>", ""])


def show(results):
    columns = "".join(f" {name + ': ' + what:>24}" for what in ("call", "first write", "cycle") for name in results)
    print(f"{'touched':>10}{columns}")
    tables = {name: {row[0]: row[1:] for row in rows} for name, rows in results.items()}
    for mib in sorted({mib for table in tables.values() for mib in table}):
        figures = [table.get(mib) for table in tables.values()]
        cells = "".join(f" {f'{row[i]:,}' if row else '-':>24}" for i in range(3) for row in figures)
        print(f"{size_text(mib):>10}{cells}")


def run(names, seconds):
    results = load("forks.json")
    for name in names:
        results[name] = measure(name, seconds)
    keep("forks.json", results)
    results = {name: rows for name, rows in results.items() if rows}
    show(results)
    if results:
        with open(PLOT, "w", encoding="utf-8") as file:
            file.write(plot(results))
        print(f"plotted in {PLOT}")
