"""What results look like to a person: small descriptions, drawn as text, as tab-separated values or as ids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Style = Literal["good", "warn", "bad", "dim", "bold"]

_ANSI = {"good": "32", "warn": "33", "bad": "31", "dim": "2", "bold": "1"}
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Styled:
    """A text whose colour says something that the text says too."""

    text: str
    style: Style


Cell = str | int | float | Styled | None


@dataclass(frozen=True)
class Table:
    """One row an object; `ids` names them for `-q` and `-o name` (the first column unless given)."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    ids: Sequence[str] | None = None
    empty: str = "nothing to show"


@dataclass(frozen=True)
class Fields:
    """One object as names and values; `id` names it for `-q` and `-o name`."""

    rows: Sequence[tuple[str, Cell]]
    id: str | None = None


@dataclass(frozen=True)
class Lines:
    """Plain sentences; `ids` is what `-q` and `-o name` print."""

    lines: Sequence[Cell]
    ids: Sequence[str] = ()


View = Table | Fields | Lines


def draw(views: Sequence[View], *, color: bool, width: int | None) -> str:
    """The views as text; `width` is that of the terminal, None off one: then nothing is cut or wrapped."""
    return "\n".join(_draw(view, color=color, width=width) for view in views)


def tab_separated(views: Sequence[View]) -> str:
    """One line an object, without header or decoration, for cut and awk."""
    return "".join("\t".join(_one_line(cell) for cell in row) + "\n" for row in _rows(views))


def identifiers(views: Sequence[View]) -> str:
    """One id a line."""
    return "".join(f"{name}\n" for view in views for name in _ids(view))


def plain(cell: Cell) -> str:
    """The text of a cell; None means that it is not known or does not apply."""
    if cell is None:
        return "-"
    # Names and messages come from others too: none of them shall move a cursor or paint the screen.
    return _CONTROL.sub("?", cell.text if isinstance(cell, Styled) else str(cell))


def paint(cell: Cell, *, color: bool) -> str:
    """The text of a cell with its colour."""
    if not color or not isinstance(cell, Styled):
        return plain(cell)
    return f"\x1b[{_ANSI[cell.style]}m{plain(cell)}\x1b[0m"


def _draw(view: View, *, color: bool, width: int | None) -> str:
    if isinstance(view, Lines):
        return "".join(f"{paint(line, color=color)}\n" for line in view.lines)
    if isinstance(view, Fields):
        margin = max((len(name) for name, _ in view.rows), default=0)
        return "".join(f"{name:<{margin}}  {paint(value, color=color)}\n" for name, value in view.rows)
    if not view.rows:
        return f"{view.empty}\n"
    return _aligned(view) if width is None else _fitted(view, color=color, width=width)


def _aligned(table: Table) -> str:
    rows = [[name.upper() for name in table.columns], *([plain(cell) for cell in row] for row in table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.columns))]
    lines = ("  ".join(f"{text:<{size}}" for text, size in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _fitted(table: Table, *, color: bool, width: int) -> str:
    """A table that fits a terminal: long cells fold."""
    import io

    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in table.columns:
        shown.add_column(name.upper(), overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text.from_ansi(paint(cell, color=color)) for cell in row))
    console = Console(file=io.StringIO(), width=width, force_terminal=color, no_color=not color, highlight=False)
    with console.capture() as captured:
        console.print(shown)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _one_line(cell: Cell) -> str:
    return " ".join(plain(cell).split("\t")).replace("\n", " ")


def _rows(views: Sequence[View]) -> Iterator[Sequence[Cell]]:
    for view in views:
        if isinstance(view, Lines):
            yield from ((line,) for line in view.lines)
        else:
            yield from view.rows


def _ids(view: View) -> Sequence[str]:
    if isinstance(view, Fields):
        return () if view.id is None else (view.id,)
    if isinstance(view, Table) and view.ids is None:
        return [plain(row[0]) for row in view.rows]
    return view.ids or ()
