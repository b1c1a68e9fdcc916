"""``simulate``: the local Gemini endpoint, until Ctrl-C."""

from __future__ import annotations

from argparse import Namespace

from harness.simulator import serve


def main(options: Namespace) -> int:
    serve.serve(options.host, options.port)
    return 0
