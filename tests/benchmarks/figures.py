"""A measured figure beside the bar that it has to meet, and how a list of them is printed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`bar` is the most that `value` may be, or with `at_least` the least; None where nothing was promised."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        if self.bar is None:
            return "-"
        return "pass" if (self.value >= self.bar if self.at_least else self.value <= self.bar) else "MISS"


def show(title: str, figures: Iterable[Figure]) -> None:
    """Print a table, a line as soon as its figure is known."""
    write(f"\n{title:48} {'value':>9} {'bar':>9}  {'unit':10} verdict")
    for figure in figures:
        sign = ">=" if figure.at_least else "<="
        bar = "-" if figure.bar is None else f"{sign} {figure.bar:g}"
        write(f"{figure.name:48} {figure.value:9.3f} {bar:>9}  {figure.unit:10} {figure.verdict}")


def write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
