"""The reference page of the checks, from their docstrings and types."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Required, Union, get_args, get_origin, get_type_hints, is_typeddict

from harness.judge import predicates
from harness.judge.registry import Check, all_checks, all_rules

_PREDICATES = {
    "number": (predicates.NumberPredicate, predicates.NumberWords),
    "text": (predicates.TextPredicate, predicates.TextWords),
    "predicate": (predicates.Predicate, predicates.Words),
    "time span": (predicates.DurationWords, predicates.DurationWords),
    "share": (predicates.ShareWords, predicates.ShareWords),
}
_SCALARS = {
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    Any: "any value",
    type(None): "null",
}
_EXAMPLES = {
    "number": "`3`, `{min: 1, max: 9}`",
    "text": "`Paris`, `{contains: Paris}`",
    "predicate": "any literal, `{equals: {a: 1}}`, `{each: {min: 0}}`",
    "time span": "`{max: 2s}`, `{min: 150ms}`",
    "share": "`{min: 50%}`",
}


def reference() -> str:
    """The page as Markdown: every check with its parameter and an example; the predicate words; the invariants."""
    checks = sorted(all_checks().values(), key=lambda check: check.name.lower())
    lines = [
        "# Checks",
        "",
        "What a case may expect under `expect:`, and the invariants that every answer must keep. This page is generated from the code.",
        "",
    ]
    lines += [line for check in checks for line in _check(check)]
    lines += [
        "# Predicates",
        "",
        "A predicate is a literal (the value must equal it), or a mapping of words that must all hold.",
        "",
    ]
    lines += [f"- **{name}**: {_EXAMPLES[name]}; words: {_words(kinds[1])}" for name, kinds in _PREDICATES.items()]
    lines += ["", *_table(predicates.Words, "word"), "# Invariants", ""]
    lines += [
        "Invariants are checked on every answer. A case [waives](suites.md#expected-failures-waivers-and-skips) one by its id, with a reason. Each row says what",
        "holds, and what a violation would break. Violations behind *A warning if* are warnings.",
        "",
        "An `error` fails the trial, a `warn` does so with `--strict`. An `outcome` fails a trial that does not expect it, and `audit` does not report it.",
        "",
        "| id | severity | rule |",
        "|---|---|---|",
    ]
    lines += [f"| `{rule.id}` | {rule.severity} | {_cell(rule.doc)} |" for rule in all_rules().values()]
    return "\n".join(lines) + "\n"


def _check(check: Check) -> Iterator[str]:
    yield from (f"## `{check.name}`", "", f"Takes {_takes(check.parameter)}.", "")
    yield from (check.page, "")
    keys: dict[Any, list[str]] = {}
    for key, words in _own_words(check.parameter):
        keys.setdefault(words, []).extend([f"`{key}`"] if key else [])
    for words, names in keys.items():
        yield from _table(words, f"key of {', '.join(names)}" if names else "key")


def _table(words: Any, head: str) -> Iterator[str]:
    yield from (f"| {head} | takes | meaning |", "|---|---|---|")
    numbers = predicates.NumberWords.__annotations__.keys()
    counts = words is not predicates.Words and numbers <= words.__annotations__.keys()
    if counts:
        yield f"| {', '.join(f'`{word}`' for word in ('min', 'max', 'equals'))} ... | numbers | how many |"
    for name, hint in get_type_hints(words, include_extras=True).items():
        if not (counts and name in numbers):
            kind, note = _noted(hint)
            yield f"| `{name}` | {_cell(_takes(kind))} | {_cell(note)} |"
    yield ""


def _noted(hint: Any) -> tuple[Any, str]:
    """A type, and its first note that is a text."""
    if get_origin(hint) is Required:
        (hint,) = get_args(hint)
    if get_origin(hint) is not Annotated:
        return hint, ""
    kind, *notes = get_args(hint)
    return kind, next((note for note in notes if isinstance(note, str)), "")


def _takes(kind: Any) -> str:
    for name, kinds in _PREDICATES.items():
        if kind in kinds:
            return f"a [{name}](#predicates)"
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return next((note for note in inner[1:] if isinstance(note, str)), _takes(inner[0]))
    if origin in (Union, UnionType):
        return _either(inner)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin is list:
        return f"a list, each item {_takes(inner[0])}"
    if origin is dict:
        return f"a mapping from {_takes(inner[0])} to {_takes(inner[1])}"
    return "a mapping (below)" if is_typeddict(kind) else _SCALARS[kind]


def _either(members: tuple[Any, ...]) -> str:
    for name, (kind, words) in _PREDICATES.items():
        if words in members:
            others = [member for member in members if member not in get_args(kind)]
            return " or ".join(dict.fromkeys([f"a [{name}](#predicates)", *map(_takes, others)]))
    return " or ".join(dict.fromkeys(map(_takes, members)))


def _own_words(kind: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """The mappings in a parameter type that are not predicates, each with the key that holds it; empty for the parameter."""
    if is_typeddict(kind):
        if kind not in (words for _, words in _PREDICATES.values()):
            yield key, kind
            for name, hint in get_type_hints(kind, include_extras=True).items():
                yield from _own_words(hint, name)
        return
    for inner in get_args(kind):
        yield from _own_words(inner, key)


def _words(words: Any) -> str:
    return ", ".join(f"`{name}`" for name in words.__annotations__)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
