"""Every figure that r3 promises, measured here and now: `make bench`, or `python -m tests.benchmarks [PART...]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from importlib import import_module

from tests.benchmarks.figures import write

# Each part is a module with `main()` of its own, imported when its turn comes.
PARTS: Mapping[str, str] = {
    "installed": "start-up time and size of an installed wheel",
    "demo": "five rounds on the network in a box",
    "codec": "size and speed of the gradient codec",
    "exact_step": "a training step against peft + transformers",
}


def main() -> None:
    """Run the parts that were asked for, all by default."""
    about = "\n".join(f"  {name:12} {text}" for name, text in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", epilog=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="*", help=f"any of {', '.join(PARTS)}; all by default")
    chosen: list[str] = parser.parse_args().part or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    sys.argv[1:] = []  # the parts have options of their own
    for name in chosen:
        write(f"\n== {name}: {PARTS[name]}")
        import_module(f"tests.benchmarks.bench_{name}").main()


if __name__ == "__main__":
    main()
