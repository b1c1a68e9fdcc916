"""``completion``: a script that completes commands and options in a shell. It is made once, and asks the program nothing."""

from __future__ import annotations

import shlex
import sys
from argparse import SUPPRESS, Action, ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator

ABOUT = "print a script that completes commands, options and their values in bash, zsh or fish"
EXAMPLES = (
    "gemini-harness completion bash > ~/.local/share/bash-completion/completions/gemini-harness",
    "gemini-harness completion zsh > ~/.zfunc/_gemini-harness",
    "gemini-harness completion fish > ~/.config/fish/completions/gemini-harness.fish",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=tuple(_SHELLS), help="bash, zsh or fish")


def main(options: Namespace) -> int:
    from harness.cli.main import _parser

    whole = _parser([])
    found = next(action for action in whole._actions if isinstance(action, _SubParsersAction))  # noqa: SLF001
    about = {choice.dest: choice.help or "" for choice in found._choices_actions}  # noqa: SLF001
    actions = {name: _options(command) for name, command in found.choices.items()}
    sys.stdout.writelines(f"{line}\n" for line in _SHELLS[options.shell](actions, about))
    return 0


def _options(command: ArgumentParser) -> list[Action]:
    return [action for action in command._actions if action.help is not SUPPRESS]  # noqa: SLF001


def _words(action: Action) -> list[str]:
    return [str(choice) for choice in action.choices or ()]


def _bash(actions: dict[str, list[Action]], _about: dict[str, str]) -> Iterator[str]:
    yield "_gemini_harness() {"
    yield '  local cur="${COMP_WORDS[COMP_CWORD]}" words="" files=1'
    yield f'  if [ "$COMP_CWORD" -eq 1 ]; then words="{" ".join(actions)}"; files=""; else'
    yield '    case "${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD-1]}" in'
    for name, options in actions.items():
        for option in options:
            if option.option_strings and option.choices:
                flags = "|".join(f'"{name} {flag}"' for flag in option.option_strings)
                yield f'      {flags}) words="{" ".join(_words(option))}"; files="" ;;'
    yield '      *) case "${COMP_WORDS[1]}" in'
    for name, options in actions.items():
        long = [flag for option in options for flag in option.option_strings if flag.startswith("--")]
        values = [word for option in options if not option.option_strings for word in _words(option)]
        yield f'        {name}) if [[ "$cur" == -* ]]; then words="{" ".join(long)}"; else words="{" ".join(values)}"; fi ;;'
    yield "      esac ;;"
    yield "    esac"
    yield "  fi"
    yield '  COMPREPLY=($(compgen -W "$words" -- "$cur"))'
    yield '  if [[ -n "$files" && "$cur" != -* ]]; then COMPREPLY+=($(compgen -f -- "$cur")); fi'
    yield "}"
    yield "complete -o filenames -F _gemini_harness gemini-harness"


def _zsh(actions: dict[str, list[Action]], about: dict[str, str]) -> Iterator[str]:
    """zsh runs the functions of bash."""
    yield "#compdef gemini-harness"
    yield "autoload -U +X bashcompinit && bashcompinit"
    yield from _bash(actions, about)


def _fish(actions: dict[str, list[Action]], about: dict[str, str]) -> Iterator[str]:
    for name, options in actions.items():
        yield f"complete -c gemini-harness -n __fish_use_subcommand -f -a {name} -d {_quoted(about.get(name, ''))}"
        for option in options:
            yield from _fish_option(name, option)


def _fish_option(name: str, option: Action) -> Iterator[str]:
    where = f"complete -c gemini-harness -n {_quoted(f'__fish_seen_subcommand_from {name}')}"
    words = f" -x -a {_quoted(' '.join(_words(option)))}" if option.choices else ""
    if not option.option_strings:
        if words:
            yield f"{where}{words}"
        return
    long = [f"-l {flag[2:]}" for flag in option.option_strings if flag.startswith("--")]
    short = [f"-s {flag[1:]}" for flag in option.option_strings if not flag.startswith("--") and len(flag) == 2]
    takes = words or (" -r" if option.nargs != 0 else "")
    yield f"{where} {' '.join(long + short)}{takes} -d {_quoted((option.help or '').partition(chr(10))[0])}"


def _quoted(text: str) -> str:
    return shlex.quote(text.replace("%%", "%").replace("%(default)s", ""))


_SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
