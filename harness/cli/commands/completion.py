"""``completion``: a script that completes commands, options and their values in a shell. It is made once, and asks the program nothing."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction

ABOUT = "print a script that completes commands, options and their values in bash, zsh or fish"
EXAMPLES = (
    "gemini-harness completion bash > ~/.local/share/bash-completion/completions/gemini-harness",
    "gemini-harness completion zsh > ~/.zfunc/_gemini-harness",
    "gemini-harness completion fish > ~/.config/fish/completions/gemini-harness.fish",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")


def main(options: Namespace) -> int:
    import shtab

    from harness.cli.main import _parser

    whole = _parser([])
    (commands,) = (action for action in whole._actions if isinstance(action, _SubParsersAction))  # noqa: SLF001
    for action in (action for command in commands.choices.values() for action in command._actions):  # noqa: SLF001
        if action.choices is None and action.nargs != 0:
            action.complete = shtab.FILE
    sys.stdout.write(shtab.complete(whole, options.shell))
    return 0
