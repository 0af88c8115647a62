# noqa: INP001 - a script, not part of a package
"""Mixes prose texts into one: plain ASCII paragraphs, taken in turn from all of them in proportion to their length.

usage: base_corpus.py OUTPUT TEXT...
"""

import re
import sys
from pathlib import Path

PIECE = 1 << 14  # characters of one text before another has its turn
SHORTEST = 60  # characters; shorter paragraphs are headings and table rows
PROSE = 0.75  # least share of letters and spaces in a paragraph


def main(output: str, *texts: str) -> None:
    """Write the mixture of these files."""
    turns = []
    for number, text in enumerate(texts):
        pieces = list(_pieces(_paragraphs(Path(text).read_text(encoding="utf-8", errors="ignore"))))
        turns += [((place + 0.5) / len(pieces), number, piece) for place, piece in enumerate(pieces)]
    mixture = "\n\n".join(piece for _, _, piece in sorted(turns)) + "\n"
    Path(output).write_text(mixture, encoding="ascii")


def _paragraphs(text: str) -> list[str]:
    """Paragraphs on one line each, without verse numbers and without what is not prose."""
    text = re.sub(r"^\s*\d+ ", "", text, flags=re.MULTILINE)
    text = re.sub(r"[^\x20-\x7e\n]", " ", text)
    paragraphs = [re.sub(r"\s+", " ", paragraph).strip() for paragraph in re.split(r"\n\s*\n", text)]
    return [paragraph for paragraph in paragraphs if _is_prose(paragraph)]


def _is_prose(paragraph: str) -> bool:
    plain = sum(character.isalpha() or character == " " for character in paragraph)
    return len(paragraph) >= SHORTEST and plain >= PROSE * len(paragraph)


def _pieces(paragraphs: list[str]) -> list[str]:
    """Whole paragraphs joined to at least `PIECE` characters."""
    pieces, piece = [], ""
    for paragraph in paragraphs:
        piece += ("\n\n" if piece else "") + paragraph
        if len(piece) >= PIECE:
            pieces.append(piece)
            piece = ""
    return [*pieces, piece] if piece else pieces


if __name__ == "__main__":
    main(*sys.argv[1:])
