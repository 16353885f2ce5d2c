#!/usr/bin/env python3
"""Prints the results of benchmarks as one table; fails when a goal is missed.

usage: bench/table.py NAME.json...
"""

import json
import os
import sys


def meets(measure):
    if measure["better"] == "higher":
        return measure["value"] >= measure["goal"]
    return measure["value"] <= measure["goal"]


def figure(value):
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def goal_text(measure):
    sign = ">=" if measure["better"] == "higher" else "<="
    return f"{sign} {figure(measure['goal'])}  {'met' if meets(measure) else 'MISSED'}"


def rows_of(path):
    benchmark = os.path.splitext(os.path.basename(path))[0]
    with open(path, encoding="utf-8") as file:
        for measure in json.load(file):
            goal = goal_text(measure) if "goal" in measure else ""
            missed = "goal" in measure and not meets(measure)
            yield (benchmark, measure["name"], figure(measure["value"]), measure["unit"], goal), missed


def main(paths):
    if not paths:
        sys.exit(__doc__)
    rows = [row for path in paths for row in rows_of(path)]
    table = [("benchmark", "measure", "value", "unit", "goal")] + [cells for cells, _ in rows]
    widths = [max(len(cells[column]) for cells in table) for column in range(5)]
    for cells in table:
        columns = [cell.rjust(width) if column == 2 else cell.ljust(width)
                   for column, (cell, width) in enumerate(zip(cells, widths))]
        print("  ".join(columns).rstrip())
    missed = sum(is_missed for _, is_missed in rows)
    goals = sum(1 for cells, _ in rows if cells[4])
    print(f"{goals - missed} of {goals} goals met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
