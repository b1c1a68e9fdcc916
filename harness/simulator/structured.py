"""Makes a value that is valid against a schema, with the values that the prompt gives.

Reads both dialects: Gemini's ``Schema`` (types in any case, ``nullable``, ``propertyOrdering``) and JSON Schema (``$ref``, ``$defs``,
``const``, lists of types, ``prefixItems``, ``oneOf``, ``allOf``). The same seed makes the same value.
"""

# ruff: noqa: RUF001 - typographic signs are data here

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from harness.simulator import world_facts
from harness.simulator.amounts import COUNT_WORDS, amounts
from harness.simulator.clues import best_label, chosen, fits
from harness.simulator.errors import refusal
from harness.simulator.knowledge import KnownFact, facts_about
from harness.simulator.mentions import mentions
from harness.simulator.prompt_reading import (
    GUESSED,
    NUMBER,
    ValuePlace,
    ValueSource,
    asked,
    claim,
    fact_of,
    hinted,
    kinds_of,
    labelled_as,
    quoted_text,
    words_of,
)
from harness.simulator.regex_samples import sample
from harness.simulator.schema_resolution import (
    DEEPEST,
    HUGE,
    Schema,
    first_type,
    is_nullable,
    limit,
    merged,
    resolved,
    resolved_properties,
    weight,
)
from harness.simulator.words import WORDS, by_word
from harness.text import patterns

_ROOMY = 4
"""From this depth on, optional properties and optional items are left out, so that recursion ends."""
_FORMATS: Mapping[str, str] = WORDS["formats"]
_COMMAS = re.compile(r"\s*,\s*(?:(?:and|und|et|y|e)\s+)?|\s+(?:and|und|et|y|e)\s+")
_BULLET = re.compile(r"^[^\S\n]*(?:[-*•]|\d+[.)])\s+(.+)$", re.MULTILINE)
_INLINE = re.compile(r"(?<!\S)\(?(\d{1,2})\)\s+(.+?)(?=[\s,;]+\(?\d{1,2}\)\s|\n|$)")
"""An item of ``1) soup 2) bread``."""
_MADE_UP = re.compile(
    r"^\W*(?:what|who|which|where|when|how)\b|\b(?:facts? (?:about|on)|tell me about|make up|invent|imagine|generate|fictional|random)\b",
    re.IGNORECASE,
)
"""A text that asks for knowledge or fiction. Other texts are read."""
_YES = re.compile(r"\b(?:yes|true|known|is a|always|in stock|available|winner|won|succeeded|passed)\b", re.IGNORECASE)
_JUDGED = re.compile(r" says: (?:yes|true|no|false|winner|loser|won|lost|succeeded|passed|failed)\b", re.IGNORECASE)
"""The result of a function that is an answer of yes or no."""


def value_for_schema(schema: Any, source: ValueSource) -> Any:
    """A value that is valid against ``schema``. Raises the API's 400 if no finite value is."""
    root = schema if isinstance(schema, Mapping) else {}
    at = ValuePlace(root)
    return _value(root, replace(source, extracts=_extracts(root, source, at)), at)


def _extracts(root: Schema, source: ValueSource, at: ValuePlace) -> bool:
    """Whether the values are to be read from the text, not made up: it is a form with labels, or it gives some of them."""
    if source.labels or source.known or _MADE_UP.search(source.text):
        return bool(source.labels)
    trial = replace(source, taken=dict(source.taken))
    inner = resolved(root, root).get("properties") or {}
    return any(
        not _is_unsaid(schema, trial, at.under(name, _about(schema)))
        for name, schema in inner.items()
        if isinstance(schema, Mapping) and first_type(schema) != "boolean"
    )


# --- any schema ---------------------------------------------------------------------------------------


def _value(schema: Any, source: ValueSource, at: ValuePlace) -> Any:
    if not isinstance(schema, Mapping):
        return "simulated"
    if at.depth > DEEPEST:
        raise refusal("invalid_argument")
    schema = resolved(schema, at.root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return _choice(schema["enum"], source, at)
    if _is_blank(schema, source, at):
        return None
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        return _value(merged([rest, _branch(branches, source, at)]), source, at)
    return _MAKERS.get(first_type(schema), _string)(schema, source, at)


def _is_blank(schema: Schema, source: ValueSource, at: ValuePlace) -> bool:
    """Whether the value is null: it may be, and the text that is read does not give it; or it is too deep."""
    if not at.depth or not is_nullable(schema):
        return False
    return at.depth > _ROOMY or (source.extracts and _is_unsaid(schema, source, at))


def _branch(branches: Sequence[Any], source: ValueSource, at: ValuePlace) -> Schema:
    """The branch to use: the first that is not null, one that the text names or gives if possible; deep in the value the smallest."""
    shapes = [resolved(branch, at.root) for branch in branches if isinstance(branch, Mapping)]
    if not shapes:
        return {}
    solid = [shape for shape in shapes if first_type(shape) != "null"] or shapes
    if at.depth >= _ROOMY:
        return min(shapes, key=weight)
    return max(solid, key=lambda shape: _likeness(shape, source, at))


def _likeness(shape: Schema, source: ValueSource, at: ValuePlace) -> float:
    """How well a branch fits the text: 4 for its title or a const or a lone enum value that the text mentions, 3 for what it is about, 1 for each
    property that the text names, and 1 for each whose value it gives."""
    trial = replace(source, taken=dict(source.taken))
    inner = resolved_properties(shape, at.root)
    fixed = [shape.get("title"), shape.get("const"), *(one.get("const") for one in inner.values())]
    fixed += [one["enum"][0] for one in inner.values() if len(one.get("enum") or ()) == 1]
    said = sum(isinstance(name, str) and _has_word(source.text.lower(), name.lower()) for name in fixed)
    named = sum(any(_has_word(source.text.lower(), word) for word in words_of(name)) for name in inner)
    given = sum(
        not _is_unsaid(one, trial, at.under(name)) for name, one in inner.items() if first_type(one) != "boolean"
    )
    about = fits(f"{shape.get('title', '')} {shape.get('description', '')}", source.text)
    return 4 * bool(said) + 3 * about + named + given - 0.1 * len(inner)


def _choice(values: Sequence[Any], source: ValueSource, at: ValuePlace) -> Any:
    """The enum value that the text mentions, else one by the seed."""
    labels = [value for value in values if isinstance(value, str)]
    judged = quoted_text(source.text)
    said = best_label(labels, judged) if judged else None
    said = said if said is not None else _said(values, source, at)
    if said is None:
        said = chosen(labels, source.text)
    if said is None:
        said = _sharing(labels, source.text)
    return said if said is not None else source.seed.choose(at.path, list(values))


def _sharing(labels: Sequence[str], text: str) -> str | None:
    """The label that has a word of the text which no other label has: *weather_agent* for the weather."""
    words = [{word for word in words_of(label) if len(word) > 3} for label in labels]
    found = set(words_of(text))
    return next(
        (
            label
            for label, own in zip(labels, words, strict=True)
            if own & found and sum(bool(own & found & other) for other in words) == 1
        ),
        None,
    )


def _said(values: Sequence[Any], source: ValueSource, at: ValuePlace) -> Any:
    """The enum value that a label, the known answer or the text mentions; None without one."""
    hint = str(labelled_as(source, at) or fact_of(source, at) or "").lower()
    words = [value for value in values if isinstance(value, str) and value]
    for text in (hint, (source.known.short if source.known else "").lower(), source.text.lower()):
        mentioned = [value for value in words if text and _has_word(text, value.lower())]
        if mentioned:
            return mentioned[0]
    return None


def _has_word(text: str, word: str) -> bool:
    spelled = re.escape(word).replace("_", "[_ -]")
    return bool(re.search(rf"(?<!\w){spelled}{'(?:ing|ed|s)?' * (len(word) > 3)}(?!\w)", text))


# --- one type each ------------------------------------------------------------------------------------


def _object(schema: Schema, source: ValueSource, at: ValuePlace) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = dict.fromkeys(schema.get("required") or ())
    places = {name: at.under(name, _about(properties[name])) for name in _ordered(schema, properties)}
    for name, place in places.items():
        claim(resolved(properties[name], at.root) if isinstance(properties[name], Mapping) else {}, source, place)
    value = {}
    for name, place in places.items():
        if name in required or not (
            at.depth >= _ROOMY
            or (_recurs(properties[name], at) and not _offspring(source, place))
            or _is_left_out(properties[name], source, place)
        ):
            value[name] = _value(properties[name], source, place)
    for name in [name for name in required if name not in value]:
        value[name] = _value(_extra(schema), source, at.under(name))
    _fill(schema, value, source, at)
    return value


def _about(schema: Any) -> str:
    return str(schema.get("description", "")) if isinstance(schema, Mapping) else ""


def _is_left_out(schema: Any, source: ValueSource, at: ValuePlace) -> bool:
    """Whether an optional value is left out: the text does not give it, and only given values are wanted."""
    return source.given and isinstance(schema, Mapping) and _is_unsaid(schema, source, at)


def _is_unsaid(schema: Any, source: ValueSource, at: ValuePlace, inside: frozenset[str] = frozenset()) -> bool:
    """Whether the text gives nothing of a value. ``inside``: the references that lead here; what recurs is not looked at."""
    if not isinstance(schema, Mapping):
        return False
    reference = str(schema.get("$ref") or "")
    if reference in inside or at.depth > _ROOMY:
        return True
    inside |= {reference} if reference else set()
    schema = resolved(schema, at.root)
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        null = {"nullable": True} if is_nullable(schema) else {}
        return all(
            _is_unsaid({**branch, **null}, source, at, inside) for branch in branches if isinstance(branch, Mapping)
        )
    kind = first_type(schema)
    if "const" in schema or kind == "null":
        return True
    if schema.get("enum"):
        return _said(schema["enum"], source, at) is None
    if kind == "object":
        nested = schema.get("properties") or {}
        return all(_is_unsaid(inner, source, at.under(name, _about(inner)), inside) for name, inner in nested.items())
    if kind == "array":
        return not _item_texts(schema.get("items", {}), source, at)
    if kind == "string" and schema.get("format") in _FINDERS:
        return _found(str(schema["format"]), source, at) is None
    return hinted(schema, source, at) is None


def _ordered(schema: Schema, properties: Mapping[str, Any]) -> list[str]:
    first = [name for name in schema.get("propertyOrdering") or () if name in properties]
    return first + [name for name in properties if name not in first]


def _recurs(schema: Any, at: ValuePlace) -> bool:
    """Whether a schema holds itself by a ``$ref``; below the second level such values are left out."""
    return at.depth >= 2 and "$ref" in str(schema) and _leads_back(schema, at.root, frozenset())


def _leads_back(schema: Any, root: Schema, inside: frozenset[str]) -> bool:
    """Whether the references in a schema lead to one of ``inside`` or to themselves."""
    if isinstance(schema, list):
        return any(_leads_back(one, root, inside) for one in schema)
    if not isinstance(schema, Mapping):
        return False
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return reference in inside or _leads_back(resolved(schema, root), root, inside | {reference})
    return any(_leads_back(value, root, inside) for key, value in schema.items() if key not in ("$defs", "definitions"))


def _extra(schema: Schema) -> Schema:
    extra = schema.get("additionalProperties")
    return extra if isinstance(extra, Mapping) else {"type": "string"}


def _fill(schema: Schema, value: dict[str, Any], source: ValueSource, at: ValuePlace) -> None:
    """Adds free keys up to ``minProperties``, and one key to an object that is a map."""
    least = int(limit(schema.get("minProperties"), 0))
    is_map = (
        not schema.get("properties") and isinstance(schema.get("additionalProperties"), Mapping) and at.depth < _ROOMY
    )
    for number in range(len(value), max(least, int(is_map))):
        name = f"key{number + 1}"
        value[name] = _value(_extra(schema), source, at.times(least).under(name))


def _array(schema: Schema, source: ValueSource, at: ValuePlace) -> list[Any]:
    least, most = int(limit(schema.get("minItems"), 0)), int(limit(schema.get("maxItems"), 1 << 30))
    first = schema.get("prefixItems") or []
    value = [_value(item, source, at.under(str(index))) for index, item in enumerate(first)]
    items = schema.get("items", {})
    if items is False or (first and "items" not in schema):
        return value
    related = _offspring(source, at) if isinstance(items, Mapping) and "$ref" in items else []
    texts = related or ([] if source.related else _item_texts(items, source, at))
    ends = at.depth > _ROOMY or _recurs(items, at) or source.related
    wanted = len(texts) or (0 if ends else _counted(source, at) or 2)
    count = min(max(wanted, least), max(most, least))
    inner = at.times(count)
    for index in range(len(value), count):
        place = replace(inner.under(str(index)), name=at.name, about=at.about)
        inside = _narrowed(source, texts, index)
        value.append(_value(items, replace(inside, related=True) if related else inside, place))
    return _distinct(value) if schema.get("uniqueItems") else value


def _offspring(source: ValueSource, at: ValuePlace) -> list[str]:
    """The text of each thing that the first named thing of the text has: *'A' has two children 'B' and 'C', where 'B' has one child 'D'*."""
    owner = next(iter(mentions("quote", source.text)), None)
    stem = (words_of(at.name) or ("",))[-1][:4]
    if owner is None or not stem:
        return []
    has = rf"{re.escape(str(owner.value))}['\"”]?,? (?:\w+ )?(?:has|have|with|contains)\b[^.;'\"“]*?{stem}\w*[^.;'\"“]*"
    found = re.search(rf"{has}((?:['\"“][^'\"”\n]+['\"”](?:, and |, | and )?)+)", source.text)
    named = [str(mention.value) for mention in mentions("quote", found[1])] if found else []
    return [f"'{name}'. {source.text[found.end() :]}" for name in named] if found else []


def _item_texts(items: Any, source: ValueSource, at: ValuePlace) -> list[str]:
    """The text of each item of a list: the bullet lines, the items of the known answer, or what the text mentions of that kind."""
    schema = resolved(items, at.root) if isinstance(items, Mapping) else {}
    kind = first_type(schema)
    known = source.known.items if source.known else ()
    if kind == "object" and len(schema.get("properties") or ()) > 1 and all(item in source.text for item in known):
        known = ()
    if kind == "object":
        return (
            _bullets(source.text)
            or _enumerated(source.text.rpartition("?")[2] if known else "")
            or list(known[:50])
            or _amounts(schema, source, at)
            or _records(schema, source)
            or _sections(schema, source, at)
            or _enumerated(source.text)
        )
    if known and kind in ("string", "integer", "number"):
        return list(known[:200])
    if listed := _listed(source, at):
        return listed
    if labelled := labelled_as(source, at):
        return [text.strip() for text in _COMMAS.split(labelled)]
    if bullets := _bullets(source.text):
        return bullets
    if schema.get("enum"):
        return [
            str(value)
            for value in schema["enum"]
            if isinstance(value, str) and _has_word(source.text.lower(), value.lower())
        ]
    if kind in ("integer", "number"):
        return [str(mention.value) for mention in source.all_of(("number",))]
    return [str(mention.value) for mention in source.free(kinds_of(at) if kind == "string" else (), at)]


def _bullets(text: str) -> list[str]:
    """The items of a list, at most 50: each on its line, or numbered on one line."""
    inline = _INLINE.findall(text)
    counts = [number for number, _ in inline[:2]] == ["1", "2"]
    return (_BULLET.findall(text) or [item for _, item in inline if counts])[:50]


def _enumerated(text: str) -> list[str]:
    """*: Oslo, Rome and Lima*, or *apples (2), pears (5)*: the items of a list after a colon or with remarks in brackets."""
    remarked = _REMARKED.findall(text) if "(" in text else []
    listed = re.search(rf": (?:{_PHRASES}|{_ENUMERATION})", text)
    items = _COMMAS.split(next(filter(None, listed.groups()))) if listed else []
    return remarked if len(remarked) > 1 else [item.strip() for item in items]


_REMARKED = re.compile(r"(?:(?<=[,:;] )[^\W\d_][\w'’-]{0,40} )?[^\W\d_][\w'’-]{0,40} \([^()\n]{1,60}\)")


def _listed(source: ValueSource, at: ValuePlace) -> list[str]:
    """``tags premium and loyal``: the list after the name. A query is the question itself."""
    words = words_of(at.name)
    if not words:
        return []
    name = re.escape(words[-1].removesuffix("s").removesuffix("ie"))
    if bracketed := re.search(rf"\b{name}(?:e?s)?:? (?:are |of )?\[([^\]\n]{{1,500}})\]", source.text, re.IGNORECASE):
        return [text.strip(" \"'") for text in bracketed[1].split(",")]
    found = re.search(
        rf"\b{name}\w{{0,3}}[:,]? (?:are |include |is |sind |sont |son |to |in )?(?:{_PHRASES}|{_ENUMERATION})",
        source.text,
        re.IGNORECASE,
    )
    if found or (
        not kinds_of(at) and (found := re.search(rf"(?<![\w-]){_ENUMERATION}", source.text)) and "," in found[1]
    ):
        return [text.strip() for text in _COMMAS.split(next(filter(None, found.groups())))]
    return [asked(source.text)] if words[-1] in ("queries", "questions", "keywords") else []


_PHRASES = (
    r"((?:[\w'’+#-]+(?: [\w'’+#-]+){0,2}, ){1,20}(?:and |und |et |y |e )?[\w'’+#-]+(?: [\w'’+#-]+){0,2})(?=[.;\n]|$)"
)
"""A list of phrases up to the end of its sentence."""
_ENUMERATION = r"((?:[\w-]+, ){0,20}[\w-]+,? (?:and|und|et|y|e) [\w-]+)\b"


def _amounts(schema: Schema, source: ValueSource, at: ValuePlace) -> list[str]:
    """The text of each amount of a thing, labelled with the properties that stand for the number, the unit and the name."""
    properties = resolved_properties(schema, at.root)
    numbers = [name for name, inner in properties.items() if first_type(inner) in ("integer", "number")]
    counted = next((name for name in numbers if _COUNTS & set(words_of(name))), None)
    texts = [name for name, inner in properties.items() if first_type(inner) == "string" and not inner.get("enum")]
    named = next((name for name in texts if "unit" not in words_of(name) and "size" not in words_of(name)), None)
    found = amounts(source.text)
    if not (counted and named and found):
        return []
    ends = [*(amount.at for amount in found[1:]), len(source.text)]
    return [
        "\n".join(
            [f"{counted}: {amount.number}", f"{named}: {amount.thing}"]
            + [f"{name}: {amount.unit or 'piece'}" for name in texts if "unit" in words_of(name)]
            + [source.text[amount.at : end]]
        )
        for amount, end in zip(found, ends, strict=True)
    ]


_COUNTS = frozenset(
    ["quantity", "count", "amount", "value", "qty", "number", "units", "menge", "anzahl", "quantité", "cantidad"]
)
"""Words of a property that is the number of things."""


def _records(schema: Schema, source: ValueSource) -> list[str]:
    """The lines that name two properties: ``gloves, quantity 2, price 35.00``."""
    names = [words[-1] for name in schema.get("properties") or {} if (words := words_of(str(name)))]
    named = re.compile(rf"\b({'|'.join(map(re.escape, names))})s?\b", re.IGNORECASE) if len(names) > 1 else None
    lines = (
        [line for line in source.text.splitlines() if not (_ASKED.search(line) or _MADE_UP.search(line))]
        if named
        else []
    )
    return [line for line in lines if named and len({found.lower() for found in named.findall(line)}) > 1][:50]


def _sections(schema: Schema, source: ValueSource, at: ValuePlace) -> list[str]:
    """The text of each object of a list: from one mention of what its first property stands for to the next. Without any mention, the whole
    text for each object that a number before the name counts (``two orders``)."""
    for name, inner in (schema.get("properties") or {}).items():
        for kind in kinds_of(at.under(str(name), _about(inner))):
            found = [one for one in mentions(kind, source.text) if kind in _LEADS and not one.value[0].islower()]
            if found:
                ends = [*(mention.at for mention in found[1:]), len(source.text)]
                return [_LEADS[kind] + source.text[start.at : end] for start, end in zip(found, ends, strict=True)]
    return [source.text] * _counted(source, at)


_LEADS = {"place": "in ", "person": "named "}
"""Kind of mention -> the word in front of it that shows its kind."""


def _counted(source: ValueSource, at: ValuePlace) -> int:
    """The number before the name of a list: 3 for *3 cool dogs*; 0 without one."""
    words = words_of(at.name)
    stem = re.escape(words[-1].rstrip("s")[:5]) if words else "items"
    named = re.search(rf"\b({_COUNT})\s+(?:\w+ ){{0,2}}?{stem}", source.text, re.IGNORECASE)
    found = named or (_ASKED.search(source.text) if at.depth <= 1 else None)
    word = next(filter(None, found.groups())).lower() if found else "0"
    return COUNT_WORDS.get(word) or min(int(word), _MOST_ASKED)


_MOST_ASKED = 50
_COUNT = r"\d{1,2}|two|three|four|five|six|seven|eight|nine|ten"
_ASKED = re.compile(
    rf"\b(?:give|list|name|invent|generate|write|create|suggest|provide|make up|show|recommend|return)\b(?: me| us)?(?: exactly| at least)?(?: the)?(?: top| best| first)? ({_COUNT}) [a-z]|\b(?:top|best) ({_COUNT}) [a-z]",
    re.IGNORECASE,
)
"""The number of things that a prompt asks for."""


def _narrowed(source: ValueSource, texts: Sequence[str], index: int) -> ValueSource:
    if index >= len(texts):
        return source
    text = texts[index]
    if source.known and text in source.known.items:
        facts = {**facts_about(text), **dict.fromkeys(("name", "title", "label"), text)}
        return ValueSource.of(text, source.seed, KnownFact(text, text, facts=facts))
    shorter = len(text) < len(source.text)
    inside = ValueSource.of(text, source.seed, KnownFact(text, text) if shorter else source.known)
    return replace(
        inside, given=source.given, extracts=shorter or source.extracts, narrow=shorter, related=source.related
    )


def _distinct(values: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
        elif isinstance(value, str):
            kept.append(f"{value} {len(kept) + 1}")
        elif isinstance(value, int | float):
            kept.append(max(kept) + 1)
    return kept


def _number(schema: Schema, source: ValueSource, at: ValuePlace) -> float | int:
    whole = first_type(schema) == "integer"
    lowest, highest = _bounds(schema, whole)
    hint = hinted(schema, source, at)
    found = NUMBER.search(hint.replace(",", "")) if isinstance(hint, str) else None
    value: float = (
        float(found[0])
        if found
        else hint
        if isinstance(hint, int | float)
        else _guess(at, source, lowest, highest, whole=whole)
    )
    value = min(max(value, lowest), highest)
    if step := limit(schema.get("multipleOf"), 0):
        value = _stepped(value, step, lowest, highest)
    return int(value) if whole or float(value).is_integer() else round(value, 6)


def _bounds(schema: Schema, whole: bool) -> tuple[float, float]:
    nudge = 1 if whole else 1e-3
    lowest = limit(schema.get("minimum"), -1e15)
    highest = limit(schema.get("maximum"), 1e15)
    if isinstance(schema.get("exclusiveMinimum"), int | float) and not isinstance(schema["exclusiveMinimum"], bool):
        lowest = max(lowest, schema["exclusiveMinimum"] + nudge)
    if isinstance(schema.get("exclusiveMaximum"), int | float) and not isinstance(schema["exclusiveMaximum"], bool):
        highest = min(highest, schema["exclusiveMaximum"] - nudge)
    return (math.ceil(lowest), math.floor(highest)) if whole else (lowest, highest)


def _guess(at: ValuePlace, source: ValueSource, lowest: float, highest: float, *, whole: bool) -> float:
    if not whole and GUESSED & set(words_of(at.name)) and lowest < 0.7 and highest >= 1:
        return source.seed.between(at.path, 70, 99) / 100
    words = words_of(at.name)
    if {"rank", "order", "position", "number", "step"} & set(words[-1:]) and (number := _number_of(at)) is not None:
        return min(max(lowest, number + 1), highest)
    least, most = next((_RANGES[word] for word in reversed(words) if word in _RANGES), (1, 100))
    low, high = max(lowest, least), min(highest, most)
    if low > high:
        low, high = (lowest, lowest) if lowest > 100 else (highest, highest)
    return source.seed.between(at.path, int(low), max(int(low), int(high)))


def _stepped(value: float, step: float, lowest: float, highest: float) -> float:
    if step < 0 or abs(value) > abs(step) * HUGE:
        return value
    rounded = round(value / step) * step
    if rounded > highest:
        rounded -= step
    return rounded + step if rounded < lowest else rounded


def _boolean(schema: Schema, source: ValueSource, at: ValuePlace) -> bool:
    hint = hinted(schema, source, at)
    judged = _JUDGED.search(source.text)
    if isinstance(hint, bool):
        return hint
    if hint is not None or judged:
        return bool(_YES.search(str(hint) if hint is not None or judged is None else judged[0]))
    return bool(source.seed.number(at.path) % 2)


def _string(schema: Schema, source: ValueSource, at: ValuePlace) -> str:
    least, most = int(limit(schema.get("minLength"), 0)), int(limit(schema.get("maxLength"), 1 << 30))
    pattern, form = schema.get("pattern"), schema.get("format")
    if isinstance(pattern, str):
        return _patterned(pattern, source, at, least, most)
    if isinstance(form, str) and form in _FORMATS:
        return _formatted(form, source, at)
    hint = hinted(schema, source, at)
    text = str(hint) if hint is not None else _left_over(source) or _invented(at, source)
    at.times(least)
    if len(text) < least:
        text = text.ljust(least, ".")
    return text[:most]


def _left_over(source: ValueSource) -> str | None:
    """The part of a short text about one item that is neither its name nor a number: *nurse* of *Tom (34, nurse)*."""
    pieces = (
        [piece.strip() for piece in _PIECES.split(source.text)[1:]] if source.narrow and len(source.text) < 120 else []
    )
    return next(
        (piece for piece in pieces if piece and not NUMBER.search(piece) and "@" not in piece and piece.islower()), None
    )


_PIECES = re.compile(r"[,;()\[\]/\n]|\.(?=\s|$)| - |: ")


def _patterned(pattern: str, source: ValueSource, at: ValuePlace, least: int, most: int) -> str:
    if patterns.complaint(pattern):
        return _invented(at, source)
    patterns.reset_time_limit()
    with suppress(patterns.TooSlow):
        if found := _mentioned(pattern, source, at, least, most):
            return found
    at.times(least)
    return sample(pattern, source.seed, at.path, least)


def _mentioned(pattern: str, source: ValueSource, at: ValuePlace, least: int, most: int) -> str | None:
    """A text in the prompt that the pattern matches. Raises TooSlow."""
    whole = pattern.strip("^$")
    inside = rf"(?<![\w-])(?:{whole})(?![\w-])"
    inside = "" if patterns.complaint(inside) else inside
    hint = labelled_as(source, at)
    for text in filter(None, (hint, source.text)):
        if text == hint and least <= len(text) <= most and patterns.search(pattern, text):
            return text
        found = patterns.search(inside, text) if inside else None
        if found and least <= len(found[0]) <= most and patterns.search(pattern, found[0]):
            return str(found[0])
    return None


def _formatted(form: str, source: ValueSource, at: ValuePlace) -> str:
    found = _found(form, source, at)
    if found is None and form in _FINDERS:
        found = next(map(str, (mention.value for mention in mentions(_FINDERS[form], source.text))), None)
    return found or _FORMATS[form]


def _found(form: str, source: ValueSource, at: ValuePlace) -> str | None:
    """What the label of this place says in this format, else the next of the text that no other place has taken."""
    kind = _FINDERS.get(form, "")
    labelled = next(iter(mentions(kind, labelled_as(source, at) or "")), None) if kind else None
    value = labelled.value if labelled else source.take(kind, at) if kind else None
    return None if value is None else str(value)


_FINDERS = {"date": "date", "email": "email", "uri": "url", "url": "url"}
"""Format -> the kind of mention that has it."""


_PLAUSIBLE: Mapping[str, Sequence[str]] = {
    **WORDS["plausible"],
    "place": world_facts.LISTS["city"],
    "colour": world_facts.LISTS["colour"],
}
"""Kind -> made-up values that have its form."""
_TYPICAL = {word: values.split(", ") for word, values in by_word("typical").items()}
"""Word of a name -> made-up values that are typical of it."""
_RANGES = {
    word: bounds
    for words, bounds in {
        "year": (1950, 2024), "age": (18, 79), "rating stars": (1, 5), "population": (100_000, 9_000_000), "temperature": (5, 30),
        "humidity percentage": (20, 95), "index": (0, 2), "month": (1, 12), "day": (1, 28), "hour": (0, 23),
    }.items()
    for word in words.split()
}  # fmt: skip
"""Word of a number's name -> its plausible bounds."""


def _number_of(at: ValuePlace) -> int | None:
    """The place of this value in the innermost list around it; None outside of lists."""
    return next((int(step) for step in reversed(at.path.split(".")) if step.isdecimal()), None)


def _invented(at: ValuePlace, source: ValueSource) -> str:
    if source.known is None and not at.depth:
        return source.text.strip().split("\n")[0][:80] or "simulated"
    words, number = words_of(at.name), _number_of(at)
    owner = words_of(_DIGITS.sub("", at.path).rpartition(".")[0].rstrip(".").rpartition(".")[2])
    words = owner if words == ("name",) and _TYPICAL.keys() & set(owner) else words
    typical: Sequence[str] = next((_TYPICAL[word] for word in reversed(words) if word in _TYPICAL), ())
    if source.known and (not typical or at.path[-1].isdecimal() or words[-1] in ("name", "names", "title")):
        return source.known.short
    values: Sequence[str] = typical or next((_PLAUSIBLE[kind] for kind in kinds_of(at) if kind in _PLAUSIBLE), ())
    if values:
        return values[(source.seed.number(_DIGITS.sub("", at.path)) + (number or 0)) % len(values)]
    return f"simulated {' '.join(words) or 'answer'}" + ("" if number is None else f" {number + 1}")


_DIGITS = re.compile(r"\d+")


_MAKERS: Mapping[str, Any] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": _number,
    "integer": _number,
    "boolean": _boolean,
    "null": lambda *_: None,
}
