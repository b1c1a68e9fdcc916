"""``python -m tests.attack [NAME...]``: run the attacks and print a table. The exit code is 1 unless every figure is 0."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pkgutil import iter_modules

from tabulate import tabulate

from tests import attack
from tests.attack import Figures


def main(names: Sequence[str]) -> int:
    figures = list(_figures(names))
    rows = [(f.attack, f.tries, f.lost, f.twice, f.leaked, f.internal_errors) for f in figures]
    print(tabulate(rows, headers=["attack", "tries", "lost", "twice", "leaked", "internal errors"]))
    return 0 if figures and all(f.clean for f in figures) else 1


def _figures(names: Sequence[str]) -> Iterator[Figures]:
    for module in iter_modules(attack.__path__):
        if not module.name.startswith("_") and (not names or module.name in names):
            for figures in import_module(f"tests.attack.{module.name}").attack():
                print(figures, file=sys.stderr, flush=True)
                yield figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
