"""``simulate``: the local Gemini endpoint, until Ctrl-C."""

from __future__ import annotations

from argparse import Namespace

from harness.simulator import options as simulator


def main(options: Namespace) -> int:
    return simulator.main(options)
