#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the benchmark makes of its figures: the plot is well-formed and to scale, the verdict on scaling is right."""

import contextlib
import io
import os
import sys
import xml.etree.ElementTree as tree

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../bench"))
import forks
import parallel

count = 0


def ok(good, what):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {what}")


SVG = "{http://www.w3.org/2000/svg}"
figures = {"Linux": [[16, 600, 40, 2000], [256, 8000, 40, 30000], [4096, 130000, 45, 400000]],
           "Cowslip": [[16, 10, 15, 60], [256, 10, 15, 60], [4096, 10, 15, 60]]}
picture = tree.fromstring(forks.plot(figures))
lines = picture.findall(f"{SVG}polyline")
ok(len(lines) == 6, "a line for each kernel in each of three panels")
points = [[tuple(map(float, point.split(","))) for point in line.get("points").split()] for line in lines]
ok(all(len(line) == 3 for line in points), "with a point for each size")
xs = [x for x, _ in points[0]]
ok(abs((xs[1] - xs[0]) - (xs[2] - xs[1])) < 0.2, "sizes that grow by one factor are equally far apart")
ok(len({y for _, y in points[1]}) == 1, "what costs the same is a flat line")
ok(points[0][0][1] > points[0][1][1] > points[0][2][1], "what costs more is higher")
_, _, width, height = map(float, picture.get("viewBox").split())
ok(all(0 <= x <= width and 0 <= y <= height for line in points for x, y in line), "all of it is inside the picture")
ok(len(tree.fromstring(forks.plot({"Cowslip": figures["Cowslip"]})).findall(f"{SVG}polyline")) == 3, "one kernel alone is fine")

shown = io.StringIO()
with contextlib.redirect_stdout(shown):
    parallel.show({"Linux": {"2": {"faults": [100, 180], "forks": [100, 180], "maps": [100]}},
                   "Cowslip": {"2": {"faults": [300, 540], "forks": [300, 330], "maps": [100, 200]}}}, False)
verdicts = {line.split()[0]: line for line in shown.getvalue().splitlines() if line and line.split()[0] in ("faults", "forks", "maps")}
ok(verdicts["faults"].endswith(" as well") and "NOT" not in verdicts["faults"], "the same scaling is as good")
ok(verdicts["forks"].endswith(" NOT as well"), "a worse one is not, however fast one worker is")
ok("well" not in verdicts["maps"], "there is no verdict without both figures")
print(f"1..{count}")
