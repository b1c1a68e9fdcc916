"""What commands that only make text print: ``cat``, ``echo``, ``printf``, ``base64``, ``tr -d`` and ``jq -n``. Nothing is run."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.importers.filling import ReadFile, decoded
from harness.text.jsontext import loads
from harness.transport.cassette.values import literal_value


def printed(words: Sequence[str], given: str | None, read_file: ReadFile) -> str | None:
    """What a command prints; None if only a shell would know. ``given``: what is piped into it."""
    if not words:
        return given
    command = _COMMANDS.get(words[0])
    return command(list(words[1:]), given, read_file) if command else None


def _cat(words: list[str], given: str | None, read_file: ReadFile) -> str | None:
    names = [word for word in words if not word.startswith("-")]
    return "".join(decoded(read_file(name), name) for name in names) if names else given


def _echo(words: list[str], _given: str | None, _read_file: ReadFile) -> str:
    return " ".join(word for word in words if not re.fullmatch("-[neE]+", word)) + "\n"


def _printf(words: list[str], _given: str | None, _read_file: ReadFile) -> str | None:
    form, *values = words or [""]
    left = iter(values)
    return _OF_PRINTF.sub(lambda found: next(left, "") if found[1] else _ESCAPES.get(found[0], found[0][1:]), form)


_OF_PRINTF = re.compile(r"%([sbd])|%%|\\.", re.DOTALL)
_ESCAPES = {r"\n": "\n", r"\t": "\t"}


def _base64(words: list[str], given: str | None, read_file: ReadFile) -> str | None:
    if {"-d", "-D", "--decode"} & {*words}:
        return None
    names = [word for word in words if re.match(r"[^\d\ue000-]|\d+\D", word)]
    if not names and given is None:
        return None
    return b64encode(read_file(names[-1]) if names else (given or "").encode()).decode()


def _tr(words: list[str], given: str | None, _read_file: ReadFile) -> str | None:
    is_about_lines = words[:1] == ["-d"] and words[1:] in (["\\n"], ["\\r\\n"], ["\n"], ["\\n\\r"])
    return re.sub(r"[\r\n]", "", given) if given is not None and is_about_lines else None


def _jq(words: list[str], given: str | None, read_file: ReadFile) -> str | None:
    """The object that a filter makes of its arguments, or of raw text that is piped in; or JSON as it is."""
    values, rest, options = dict[str, str](), list[str](), ""
    left = iter(words)
    for word in left:
        if word in ("--arg", "--argjson", "--rawfile"):
            name, value = next(left, ""), next(left, "")
            text = decoded(read_file(value), value) if word == "--rawfile" else value
            values[name] = text if word == "--argjson" else json.dumps(text, ensure_ascii=False)
        elif word.startswith("-"):
            options += {"--null-input": "n", "--raw-input": "R"}.get(word, word if word[:2] != "--" else "")
        else:
            rest.append(word)
    if rest == ["."] and "R" in options and given is not None:
        return json.dumps(given, ensure_ascii=False)
    if not rest or len(rest) > 2:
        return None
    if "R" in options:
        values[""] = json.dumps(given, ensure_ascii=False)
    try:
        if re.search("[nR]", options):
            return json.dumps(_made(rest[0], values))
        source = decoded(read_file(rest[1]), rest[1]) if rest[1:] else given or ""
        return json.dumps(loads(source), ensure_ascii=False) if rest[0] == "." else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _made(text: str, values: Mapping[str, str]) -> Any:
    return literal_value(_JQ.sub(lambda found: _filled(found, values), text))


_JQ = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|\$(?:ARGS\.named\.)?(?P<name>\w+)|(?<=:)\s*(?P<dot>)\.(?=\s*[,}\]])')


def _filled(found: re.Match[str], values: Mapping[str, str]) -> str:
    if found[0][0] == '"':
        return re.sub(r"\\\(\$(\w+)\)", lambda inside: values[inside[1]].strip('"'), found[0])
    return values[found["name"] or ""]


_COMMANDS: Mapping[str, Callable[[list[str], str | None, ReadFile], str | None]] = {
    "cat": _cat, "echo": _echo, "printf": _printf, "base64": _base64, "tr": _tr, "jq": _jq, "tee": lambda _, given, __: given,
}  # fmt: skip
