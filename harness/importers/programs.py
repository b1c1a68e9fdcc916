"""A program with its variables in their places: texts, lists and objects that are written where a variable is set."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import count

from harness.transport.cassette.literals import length
from harness.transport.cassette.values import literal_value

_SET = re.compile(
    r"(?:^|;(?=[ \t]*(?:const|let|var)\b))[ \t]*(?:(?:const|let|var|val|string|final|static|export|readonly|private|public|auto|[A-Z]\w*(?:<[^<>\n]{0,60}>)?)[ \t]+)*"
    r"\$?(?P<name>[A-Za-z_]\w*)[ \t]*(?::[^=\n]{1,60})?:?=(?![=>])[ \t]*(?:\n[ \t]+)?",
    re.MULTILINE,
)
_STRING = re.compile(
    r'""".*?"""|`[^`$]*`|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|(?:-?\d+(?:\.\d+)?[fF]?|[tT]rue|[fF]alse)(?![\w.])',
    re.DOTALL,
)
_STRUCTURE = re.compile(
    r"(?:new[ \t]+)?&?(?:[\w.]*\b[A-Z]\w*(?:\.(?:builder|of|asList|from[A-Z]\w*))?|s?printf|format!|(?:\[\]|map\[\w+\])+[*\w.]+(?:\{\})?|(?:float|int)\d\d)?(?=[\[{(])"
)
"""What stands before the bracket of a value that is no call of a function."""
_CHAINED, _FILLS = re.compile(r"\s*\.\w+(?=\()"), re.compile(r"\s*\.format(?:ted)?(?=\()|[ \t]*%[ \t]*(?=\()")
_TEXT = r"(?:\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'|`[^`$\\]*+`)"
_VALUE = rf"(?:{_TEXT}|-?\d[\d.]*+|\b(?:[tT]rue|[fF]alse)\b)"
_ARGUMENT = re.compile(rf"(?:[^,()\"'`]|{_TEXT}|\([^()]*+\))+")
_LITERAL = r'@\$?"(?:[^"]|"")*+(?:"|\Z)|r#"(?:[^"]|"(?!#))*+(?:"#|\Z)|"""(?:[^"]|"(?!""))*+(?:"""|\Z)|(?<!`)`(?!`)[^`]*+(?:`|\Z)|"(?:[^"\\\n]|\\.)*+"|\'(?:[^\'\\\n]|\\.)*+\''
_VALUES = rf"(?:[^()\"'`]|{_TEXT}|\([^()\n]*\))*+"
_FORMATTED = re.compile(
    rf"(?:(?P<call>\b(?:\w+\.)?(?:s?[pP]rintf|Sprintf|[fF]ormat!?)\(\s*+)|(?P<mark>\b[fF]|(?<!\w)\$))?(?P<text>{_LITERAL})"
    rf"(?(call)(?:\s*,(?P<inside>{_VALUES}))?\)|(?:\s*+(?:\.format(?:ted)?\(|%[ \t]*\()(?P<behind>{_VALUES})\)|[ \t]*+%[ \t]*+(?P<one>{_VALUE}))?)"
)
"""A text in quotes, with what fills its places. One that does not end goes on to the end, so that nothing is read twice."""
_PERCENTS = re.compile(r"%(?P<name>)(?:\.\d)?[sdvqfi]|%(?P<double>%)")
_BRACES = re.compile(r'(?P<double>[{}])(?P=double)|[#$]?\{(?:self\.|this\.|@)?(?P<name>\w*)(?::[^{}\n"]*)?\}')
_MARKED = re.compile(r"(?:\$|#(?=\{))\{{0,2}(?:this(?:\.|->)|@)?(?P<name>[A-Za-z_]\w*)\}{0,2}")
"""The places in a text that values fill."""
_ENDS = re.compile(r"(?:(?<=key=[\"'])[ \t]*[.+][ \t]*\$?\w+)?[ \t]*(?:(?=;)|(?:(?://|#)[^\n]*)?(?=\n|$))")
_USED = re.compile(
    r"(?<=[:=(,\[>])(?P<gap>\s*)[$&]?(?:self\.|this(?:\.|->)|@|[a-z]\.(?=model|base))?(?P<name>[A-Za-z_]\w*)(?=\s*[,)}\];]|[ \t]*\n|\.format|\.to_?(?:[sS]tring|[jJ][sS]?(?:on|ON)\w*)\(|[ \t]*%[ \t])"
)
_SHORT = re.compile(r"(?<=[:(])(\s*+\{\s*+)((?:\w++\s*+,\s*+)*+\w++)(?=\s*+\})")
_OF_SWIFT = re.compile(r"\\\((?:self\.)?(\w+)\)")
_BASE = re.compile(
    r"""(?:\b\w*(?:base_?ur[il]|prefix_?url|host)["']?\s*(?:=>?|:)\s*["'`](?=https?://)|["'`](?=https://[\w.-]*googleapis\.com[/"'`]))([^"'`\s?{}$]{1,200}?)/?["'`]""",
    re.IGNORECASE,
)
_PATH = re.compile(
    r"""(["'`])/?((?:v1\w{0,9}/|models/|gemini-[\w.-]{1,60}:|[$#]?\{\w{1,60}\}:)[^"'`\s]{0,200}?(?<=[/:])(?:g|streamG)enerateContent)"""
)
_LONGEST, _MOST_FILLED, _DEEPEST = 200_000, 2_000_000, 3


def inlined(text: str) -> str:
    """The text of a program with the value of each variable in the place of its name, and the host before each path."""
    base = _BASE.search(text)
    text = _PATH.sub(lambda found: f"{found[1]}{_before(found[2], base[1] if base else '')}{found[2]}", text)
    text = _OF_SWIFT.sub(r"${\1}", gathered(text))
    text = _SHORT.sub(lambda names: names[1] + re.sub(r"\w+", r"\g<0>: \g<0>", names[2]), text)
    return _with_values(text)


def _before(path: str, base: str) -> str:
    """What stands before a path in its address."""
    if path.startswith("v1"):
        return re.sub("/v1.*|$", "/", base, count=1)
    base = base if "/v1" in base else f"{base}/v1beta"
    return f"{base.removesuffix('/models')}/{'' if path.startswith('models/') else 'models/'}"


_FILLED = re.compile(
    rf"^(?P<indent>[ \t]*)(?P<set>(?:\w[\w<>., \t]{{0,80}}[ \t])?\$?(?P<name>\w+)[ \t]*(?::[^=\n]{{1,60}})?=[ \t]*)"
    r"(?:new[ ]\w+(?:<[^<>\n]{0,60}>)?\(\)|\w*(?:dict|list|array|Object|Array)\(\)|\{[ ]?\}|\[[ ]?\]);?(?P<steps>(?:\n+(?P=indent)\$?(?P=name)"
    rf"(?:\.(?:put|set|add|addProperty|append|push)\(|(?:\[{_TEXT}?\]|\.\w+)[ \t]*=(?!=))[^\n]*+(?:\n(?P=indent)[ \t\]}})][^\n]*+)*+)++)",
    re.MULTILINE,
)
_STEP = re.compile(rf"\[({_TEXT})?\][ \t]*=|\.(\w+)[ \t]*=|\.\w+")
_PAIR = re.compile(rf"^\s*({_TEXT}|[A-Za-z_]\w*)\s*,")
"""An object or a list that a program fills in the lines below, and how each of them begins."""


def gathered(text: str) -> str:
    """The text with objects and lists as a program fills them in the lines below, on as many lines."""
    return _FILLED.sub(_gathered, text)


def _gathered(found: re.Match[str]) -> str:
    given = list[str]()
    for line in re.split(rf"\n+{found['indent']}\$?{found['name']}(?=[.\[])", found["steps"])[1:]:
        step, value = _STEP.match(line), line.strip().rstrip(";")[_STEP.match(line).end() :]  # type: ignore[union-attr]
        key = step[1] or (step[2] and f'"{step[2]}"')  # type: ignore[index]
        given.append(f"{key},{value}" if key else value[1:-1] if value.startswith("(") else value)
    inside = ", ".join(_PAIR.sub(r"\1:", one) for one in given)
    whole = f"{{{inside}}}" if _PAIR.match(given[0]) else f"[{inside}]"
    return found["indent"] + found["set"] + whole + "\n" * (found[0].count("\n") - whole.count("\n"))


def _with_values(text: str) -> str:
    """The text with the values of its variables in the places of their names."""
    values, places, parts, at, left = dict[str, str](), dict[str, int](), [""], 0, _MOST_FILLED

    def value(found: re.Match[str]) -> str:
        nonlocal left
        known = values.get(found["name"], "")
        left -= len(known)
        if not known or left < 0:
            return found[0]
        parts[places.get(found["name"], 0)] = ""  # it is moved
        return found["gap"] + known

    for found in _SET.finditer(text):
        end = _end(text, found.end()) if found.start() >= at and left > 0 else 0
        left -= _LONGEST * (end < 0)
        if end > 0 and "models.generate" not in text[found.end() : end]:
            parts.append(_USED.sub(value, text[at : found.end()]))
            parts.append(_USED.sub(value, text[found.end() : end]))
            values[found["name"]], places[found["name"]], at = parts[-1], len(parts) - 1, end
    rest = _USED.sub(value, text[at:])
    whole = "".join((*parts, rest))
    for _ in range(_DEEPEST if len(whole) < _LONGEST and "enerate" in whole else 0):
        before, whole = whole, _FORMATTED.sub(lambda one: _formatted(one, values), whole)
        if whole == before:
            break
    return whole


def _arguments(text: str) -> Iterator[tuple[str, str]]:
    """The name, or the number from 0, and the value of each argument that stands in a call."""
    for number, one in enumerate(_ARGUMENT.findall(text)):
        if found := re.fullmatch(rf"(?:(\w+)[ \t]*[:=][ \t]*)?({_VALUE})", one.strip()):
            yield found[1] or str(number), found[2]


def _formatted(found: re.Match[str], values: Mapping[str, str]) -> str:
    """A text with the values in its places; as it is, if one is not known and the text is no body."""
    call, text, given = found["call"] or "", found["text"], found["inside"] or found["behind"] or found["one"] or ""
    places = _BRACES if given or call or found["mark"] or text[:2] == "@$" else _MARKED
    known, number = {**values, **dict(_arguments(given))}, count()
    begin = re.match(r'@\$?"|r#"|"""|["`\']', text)[0]  # type: ignore[index]
    inside = text[len(begin) : -len(begin.strip("@$r"))]
    inside = inside.replace('""', '"') if begin[0] == "@" else inside

    def filled(place: re.Match[str]) -> str:
        if place.lastgroup == "double":
            return place["double"]
        name = place["name"] or str(next(number))
        if name not in known and ("contents" in inside or "enerateContent" in inside):
            return place[0]
        value = literal_value(known[name].replace("`", '"'))
        is_text = isinstance(value, str) and place[0] != "%q"
        return value if is_text else json.dumps(value, ensure_ascii=False)

    with suppress(ValueError, LookupError):
        inside = literal_value(text) if begin in ('"', "'") else inside
        places = _PERCENTS if given and "!" not in call and _PERCENTS.search(inside) else places
        if places.search(inside) or begin in ("`", '"""', 'r#"'):
            return json.dumps(places.sub(filled, inside), ensure_ascii=False)
    return found[0]


def _end(text: str, at: int) -> int:
    """Where the value ends that stands alone at a place; 0 if there is none, below 0 if it does not end."""
    found = _STRING.match(text, at) or _STRUCTURE.match(text, at)
    end = found.end() if found else 0
    if found and found.re is _STRING:
        found = _FILLS.match(text, end)
    while found:
        if not (inside := length(text, found.end(), _LONGEST)):
            return -1
        end = found.end() + inside
        found = _CHAINED.match(text, end)  # a builder of Java goes on
    return end if end and _ENDS.match(text, end) else 0
