# SPDX-License-Identifier: BSD-2-Clause
"""How late a real-time thread wakes under load (bench/latency.c), and the plot of it."""

import math
import re

from machine import COUNTED, keep, load, run_program

PLOT = "doc/latency.svg"
SHARES = ("50", "90", "99", "99.9", "100")
COLOURS = {"Linux": "#b4472e", "Cowslip": "#2e6fb4"}
UNITS = ((10 ** 9, "s"), (10 ** 6, "ms"), (10 ** 3, "µs"), (1, "ns"))

WIDTH, HEIGHT, LEFT, TOP, GAP = 170, 220, 62, 44, 26  # of a panel's inside, and the space around it


def measure(name, seconds):
    """{load: [nanoseconds late at most, for each of SHARES]}"""
    output = run_program(name, "latency", [*COUNTED, "-m", "1G"], seconds)
    return {row[0]: list(map(int, row[1].split("\t"))) for row in re.findall(r"^latency\t([^\t]*)\t([\d\t]*)$", output, re.M)}


def time_text(nanoseconds):
    size, unit = next(entry for entry in UNITS if nanoseconds >= entry[0])
    return f"{nanoseconds / size:.3g}\u202f{unit}"


def text(x, y, words, anchor="middle", more=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{more}>{words}</text>'


def panel(number, what, results, low, high):
    """One load: how late, on a logarithmic axis, by the share of the wake-ups that were not later."""
    left = LEFT + number * (WIDTH + GAP)

    def x(index):
        return left + 12 + (WIDTH - 24) * index / (len(SHARES) - 1)

    def y(figure):
        return TOP + HEIGHT * (high - math.log10(max(figure, 1))) / (high - low)

    yield text(left + WIDTH / 2, TOP - 16, what, more=' font-weight="bold"')
    for exponent in range(low, high + 1):
        yield f'<path d="M{left} {y(10 ** exponent):.1f}h{WIDTH}" stroke="#ddd"/>'
        if number == 0:
            yield text(left - 6, y(10 ** exponent) + 4, time_text(10 ** exponent), "end")
    for index, share in enumerate(SHARES):
        yield text(x(index), TOP + HEIGHT + 18, share, more=' font-size="9"')
    for name, loads in results.items():
        figures = loads.get(what, [])
        points = [(x(index), y(figure)) for index, figure in enumerate(figures)]
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        yield f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>'
        for px, py in points:
            yield f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{COLOURS[name]}"/>'
        if points:
            yield text(points[-1][0], points[-1][1] - 8, f"{name} {time_text(figures[-1])}", "end", f' fill="{COLOURS[name]}"')


def plot(results):
    loads = list(next(iter(results.values())))
    figures = [figure for rows in results.values() for row in rows.values() for figure in row]
    low, high = math.floor(math.log10(max(min(figures), 1))), math.ceil(math.log10(max(figures) * 1.2))
    width, height = LEFT + len(loads) * (WIDTH + GAP), TOP + HEIGHT + 52
    title = "How late a real-time thread wakes under load"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
             f"<title>{title}</title>", f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for number, what in enumerate(loads):
        parts.extend(panel(number, what, results, low, high))
    parts.append(text(width / 2, height - 12, "of a hundred wake-ups, a millisecond apart, so many were not later; instructions, one a nanosecond"))
    return "\n".join([*parts, "</svg>", ""])


def show(results):
    print(f"{'load':18}{'':10}" + "".join(f"{share + ' %':>12}" for share in SHARES))
    for what in next(iter(results.values()), {}):
        for name, loads in results.items():
            print(f"{what:18}{name:10}" + "".join(f"{figure:>12,}" for figure in loads.get(what, [])))


def run(names, seconds):
    results = load("latency.json")
    for name in names:
        results[name] = measure(name, seconds)
    keep("latency.json", results)
    results = {name: rows for name, rows in results.items() if rows}
    show(results)
    if results:
        with open(PLOT, "w", encoding="utf-8") as file:
            file.write(plot(results))
        print(f"plotted in {PLOT}")
