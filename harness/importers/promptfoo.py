"""Makes suites of a configuration of promptfoo: its Gemini providers, prompts, tests and assertions.

Models with the same settings share a suite. Every case and every check is read back as a suite is, and what the harness would
refuse is left out, as is all that has no counterpart, with its place. Keys of the configuration are those of promptfoo's
reference, https://promptfoo.dev/docs/configuration/reference/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count, product
from pathlib import Path
from typing import Any, NamedTuple

from harness.config import Config
from harness.errors import HarnessError, SuiteError
from harness.importers import promptfoo_assertions as assertions
from harness.importers.promptfoo_assertions import Expect, NotCarried
from harness.importers.promptfoo_sources import (
    Prompt,
    Source,
    Test,
    cell,
    listed,
    names_in,
    open_config,
    with_placeholders,
)
from harness.importers.promptfoo_sources import prompts as prompts_of
from harness.importers.promptfoo_sources import tests as tests_of
from harness.importers.to_suite import Imported, LeftOut, first_line, free, one_or_all, suite_text, without
from harness.model import Json
from harness.suite.matrix import expand
from harness.suite.parse import parse
from harness.text.grouping import gathered
from harness.text.jsontext import an_object, canonical
from harness.text.names import slug
from harness.transport.cassette.spelling import camel_word

MOST_ROWS = 12
"""Rows of one case that the suite itself holds. More get a file of their own."""
LONGEST_NAME = 40
"""Characters of a value that names a case."""


References = Sequence[str] | None
"""Names of providers or prompts, as a filter has them. None means all."""


class _Model(NamedTuple):
    """A provider of promptfoo: its id and its label, and the prompts that it is asked."""

    names: tuple[str, ...]
    prompts: References


class _Target(NamedTuple):
    """The models with the same settings, by name, and these settings as keys of ``defaults``."""

    models: dict[str, _Model]
    settings: Mapping[str, Json]


class _Group(NamedTuple):
    """Tests that expect the same of the same models and prompts, as one case."""

    name: str
    about: str
    expect: Expect
    rows: list[Mapping[str, Json]]
    remarks: list[str]
    providers: References
    prompts: References
    where: str

    def asks(self, model: _Model, prompt: Prompt | None) -> bool:
        """Whether the model is asked this prompt; None stands for all prompts, where nothing filters them."""
        allowed = _mean(self.providers, model.names)
        return allowed and (not prompt or (_mean(self.prompts, prompt.names) and _mean(model.prompts, prompt.names)))


def _references(stated: Any) -> References:
    return None if stated is None else tuple(map(str, stated if isinstance(stated, list) else [stated]))


def _mean(references: References, names: Sequence[str]) -> bool:
    """Whether one of the references is a name, ``START*`` of one, or what stands before a colon in one, as promptfoo reads them
    (https://www.promptfoo.dev/docs/configuration/test-cases)."""
    return references is None or any(
        name == one or name.startswith(f"{one}:") or (one.endswith("*") and name.startswith(one[:-1]))
        for one in references
        for name in names
    )


def build_suites(path: Path, name: str, config: Config) -> Imported:
    """The suites ``name``, ``name-2`` ... of the configuration at ``path``. Raises UsageError if it cannot be read."""
    source, result = open_config(path), Imported()
    targets = _targets(source, config, result)
    prompts = list(_kept(prompts_of(source), result))
    _prompt_keys_left(source, result)
    groups = _groups(source, result) if prompts else []
    for number, target in enumerate(targets, 1):
        _suite(f"{name}-{number}" if number > 1 else name, target, prompts, groups, source, config, result)
    models = [model for target in targets for model in target.models.values()]
    for group in groups if models else ():
        if not any(group.asks(model, prompt) for model, prompt in product(models, prompts)):
            _leave(
                result, group.where, "providers and prompts of a test: none of them is imported, and it is not asked"
            )
    _remaining(source, result)
    return result


def _leave(result: Imported, where: str, reason: object) -> None:
    line = LeftOut(where, str(reason))
    if line not in result.left_out:
        result.left_out.append(line)


def _prompt_keys_left(source: Source, result: Imported) -> None:
    stated = source.value.get("prompts")
    for index, prompt in enumerate(stated if isinstance(stated, list) else ()):
        for key in sorted(prompt.keys() - {"id", "label", "raw"}) if isinstance(prompt, Mapping) else ():
            _leave(result, source.at("prompts", index), f"{key} of a prompt: {_instead_of(key)}")


def _kept(found: Iterator[tuple[str, Prompt | NotCarried]], result: Imported) -> Iterator[Prompt]:
    for where, prompt in found:
        if isinstance(prompt, NotCarried):
            _leave(result, where, f"prompt, and all cases with it: {prompt}")
        else:
            yield prompt


# --- the providers ----------------------------------------------------------------------------------------


def _targets(source: Source, config: Config, result: Imported) -> list[_Target]:
    """Models by their settings. Providers that are not Gemini, or whose settings no suite can hold, are left out."""
    key = "providers" if "providers" in source.value else "targets"
    stated = source.value.get(key, [])
    found: dict[str, _Target] = {}
    for where, one in _providers(source, key, stated, result):
        name, label, settings, rest = _provider(one)
        model = re.fullmatch(r"(google|palm|vertex):(?:chat:)?(gemini-[\w.-]+)", name)
        if not model:
            asked = re.search(r"gemini-[\w.-]+", name)
            hint = f"; to import it, write google:{asked[0]}, and ask it with --provider" if asked else ""
            _leave(result, where, f"provider {name or one!r}: not a Gemini model of google: or vertex:{hint}")
            continue
        if model[1] == "vertex":
            note = "vertex: models are asked at the provider of harness.toml; add a row for Vertex under [providers]"
            result.notes += [note] if note not in result.notes else []
        for other in (key for key in rest if key != "prompts"):
            _leave(result, where, f"{other} of a provider: {_instead_of(other)}")
        keys = dict(_settings(settings, source, where, result))
        tried = {"id": "a", "prompt": "hi", "each": [dict.fromkeys(names_in(keys), "x")]}
        if fault := _refused("a", tried, {"model": model[2], **keys}, {}, config):
            _leave(result, where, f"provider {name}, and all that asks it: {fault}")
            continue
        same = found.setdefault(canonical(keys), _Target({}, keys)).models
        same[model[2]] = _both(same.get(model[2]), _Model((name, label), _references(rest.get("prompts"))))
    targets = _joined(list(found.values()))
    if len(targets) > 1:
        result.notes.append(
            "models whose other settings differ are in suites of their own, which `compare` does not pair"
        )
    return targets


def _both(one: _Model | None, other: _Model) -> _Model:
    """A model that two providers ask in the same way."""
    if one is None:
        return other
    everything = one.prompts is None or other.prompts is None
    return _Model(one.names + other.names, None if everything else (*(one.prompts or ()), *(other.prompts or ())))


def _joined(targets: list[_Target]) -> list[_Target]:
    """One target with settings by model, where a suite can state all that differs so; else the targets as they are."""
    models = [model for target in targets for model in target.models]
    stated = gathered(
        (key, (model, value)) for target in targets for key, value in target.settings.items() for model in target.models
    )
    alike = {
        key: values[0][1]
        for key, values in stated.items()
        if len(values) == len(models) and len({canonical(value) for _, value in values}) == 1
    }
    by_model = {key: dict(values) for key, values in stated.items() if key not in alike}
    if len(targets) < 2 or len(set(models)) < len(models) or not by_model.keys() <= _BY_MODEL:
        return targets
    return [_Target(dict(chain.from_iterable(target.models.items() for target in targets)), {**alike, **by_model})]


def _providers(source: Source, key: str, stated: Any, result: Imported) -> Iterator[tuple[str, Any]]:
    """The providers with their places, also those in a file that is named."""
    for route, one in listed(stated, (key,)):
        where = source.at(*route)
        try:
            found = source.content(one)
        except NotCarried as fault:
            _leave(result, where, f"provider {one!r}: {fault}")
            continue
        yield from ((where, item) for _, item in listed(found))


def _provider(one: Any) -> tuple[str, str, Mapping[str, Any], Mapping[str, Any]]:
    """The id, the label and the ``config`` of a provider, in any of its three spellings, and its other keys."""
    if isinstance(one, Mapping) and "id" not in one and len(one) == 1:
        ((name, options),) = one.items()
        one = {"id": name, **an_object(options)}
    if isinstance(one, Mapping):
        rest = {str(key): value for key, value in one.items() if key not in ("id", "config", "label")}
        return str(one.get("id", "")), str(one.get("label") or ""), an_object(one.get("config")), rest
    return str(one), "", {}, {}


_BY_MODEL = {"temperature", "topP", "topK", "maxOutputTokens", "thinking"}
"""Settings that a suite may state for each model."""
_FIELDS = {"systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent"}
"""Keys of ``config`` that are fields of the request."""
_OTHER_NAMES = {"thinking": "thinkingConfig", "max_tokens": "maxOutputTokens"}


def _settings(stated: Mapping[str, Any], source: Source, where: str, result: Imported) -> Iterator[tuple[str, Json]]:
    request: dict[str, Json] = {}
    for given, inside, value in _flat(stated):
        name = camel_word(_OTHER_NAMES.get(given, given))
        try:
            yield from _setting(name, with_placeholders(source.content(value)), request, inside)
        except (NotCarried, ValueError) as fault:
            _leave(result, where, f"config.{'generationConfig.' * inside}{given}: {fault}")
    if request:
        yield "request", request


def _flat(stated: Mapping[str, Any]) -> Iterator[tuple[str, bool, Any]]:
    """The settings, and whether they stand under ``generationConfig``."""
    for given, value in stated.items():
        if camel_word(given) == "generationConfig" and isinstance(value, Mapping):
            yield from ((str(key), True, item) for key, item in value.items())
        else:
            yield given, False, value


def _setting(name: str, content: Any, request: dict[str, Json], inside: bool) -> Iterator[tuple[str, Json]]:
    """A setting as a key of ``defaults``, or else put into ``request``. ``inside``: it stands under ``generationConfig``. Raises
    NotCarried, and ValueError for a faulty schema."""
    if name in _BY_MODEL:
        yield name, content
    elif name == "thinkingConfig" and isinstance(content, Mapping):
        yield "thinking", _thinking({camel_word(key): value for key, value in content.items()})
    elif name == "systemInstruction" and isinstance(content, str):
        yield "system", content
    elif name in ("responseSchema", "responseJsonSchema"):
        schema = json.loads(content) if isinstance(content, str) else content
        yield "schema" if name == "responseSchema" else "jsonSchema", schema
    elif inside or name == "stopSequences":
        request["generationConfig"] = {**request.get("generationConfig", {}), name: content}
    elif name in _FIELDS:
        request[name] = content
    else:
        raise NotCarried(_instead_of(name))


def _thinking(config: Mapping[str, Json]) -> Json:
    """A ``thinkingConfig`` as ``thinking:`` has it: a level, a budget, or both words with more."""
    names = {"thinkingLevel": "level", "thinkingBudget": "budget", "includeThoughts": "includeThoughts"}
    if odd := config.keys() - names:
        raise NotCarried(f"thinkingConfig has no {min(odd)}")
    made = {names[key]: str(value).lower() if key == "thinkingLevel" else value for key, value in config.items()}
    return next(iter(made.values())) if len(made) == 1 and "includeThoughts" not in made else made


# --- what takes the place of a key ------------------------------------------------------------------------


_INSTEAD = {
    **dict.fromkeys(("apiHost", "apiBaseUrl"), "an address belongs into harness.toml, as a row under [providers.NAME]"),
    "apiKey": "a key is read from the environment (GEMINI_API_KEY), never from a file",
    "transform": "code is not carried over: the checks judge the whole answer",
    "delay": "`limits` of a provider in harness.toml",
    "env": "variables of the environment, in suites as ${env:NAME}, or a row under [providers.NAME] in harness.toml",
    "options": "`by:` of a `judge:` names who grades; transforms have no counterpart",
    "threshold": "every check of a case must pass; `require: 2/3` is about its attempts",
    "metadata": "`tags:` choose cases",
    "maxConcurrency": "`--concurrency N`, or `concurrency` in harness.toml",
    "cache": "cassettes: `--record-mode once` asks once, and replays from then on",
    "outputPath": "`--format html:FILE`, `json:FILE`, `csv:FILE` ...",
    "sharing": "nothing is uploaded; `--format html:FILE` makes a page to send",
}


def _instead_of(key: str) -> str:
    """What takes the place of a key that has no counterpart."""
    return _INSTEAD.get(key, "no key of a suite is like it")


# --- the tests --------------------------------------------------------------------------------------------


def _groups(source: Source, result: Imported) -> list[_Group]:
    """The tests as cases: those without a description that expect the same are one, with their rows."""
    shared = an_object(source.content(source.value.get("defaultTest")))
    for key in _left(shared, ("vars", "assert", "providers", "prompts")):
        _leave(result, source.at("defaultTest", key), f"defaultTest.{key}: {_instead_of(key)}")
    base = [
        (assertion, source.at("defaultTest", "assert", *route))
        for route, assertion in assertions.flat(shared.get("assert"))
    ]
    found: dict[str, _Group] = {}
    for test in tests_of(source, an_object(shared.get("vars"))):
        if isinstance(test, Test):
            _group(test, base, found, result, shared)
        else:
            _leave(result, test[0], f"tests: {test[1]}")
    return list(found.values())


def _transforms(test: Mapping[str, Any]) -> list[str]:
    """The code that changes the answer before the assertions of a test judge it."""
    return [str(code) for key, code in an_object(test.get("options")).items() if key in ("transform", "postprocess")]


def _group(
    test: Test,
    base: Sequence[tuple[Any, str]],
    found: dict[str, _Group],
    result: Imported,
    defaults: Mapping[str, Any],
) -> None:
    about = str(test.stated.get("description") or "")
    for key in _left(test.stated, _OF_GROUPS):
        _leave(result, test.at(key), f"{key} of a test: {_instead_of(key)}")
    own = [(one, test.at("assert", *route)) for route, one in assertions.flat(test.stated.get("assert"))]
    remarks: list[str] = []
    changes = _transforms(test.stated) or _transforms(defaults)
    shared = _expectations(base, test.source, remarks if changes else [], result, changes)
    expect = _expectations(own, test.source, remarks, result, changes, shared)
    providers, prompts = (_references({**defaults, **test.stated}.get(key)) for key in ("providers", "prompts"))
    key = canonical([about, expect, remarks, sorted(test.rows[0]), providers, prompts])
    name = slug(about.lower())[:60].strip("-")
    group = found.setdefault(key, _Group(name, about, expect, [], remarks, providers, prompts, test.at()))
    group.rows.extend(test.rows)


def _left(stated: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    """Keys that are not carried over. A transform is a matter of each assertion that it changes."""
    only_transforms = an_object(stated.get("options")).keys() <= {"transform", "postprocess"}
    return [key for key in stated if key not in known and not (key == "options" and only_transforms)]


_OF_GROUPS = ("vars", "assert", "description", "providers", "prompts")
"""Keys of a test that are carried over."""


def _expectations(
    stated: Sequence[tuple[Any, str]],
    source: Source,
    remarks: list[str],
    result: Imported,
    changes: Sequence[str],
    shared: Expect | None = None,
) -> Expect:
    """The checks of these assertions, beside the shared ones. What is left out becomes a remark for the suite too."""
    kept: Expect = shared or {}
    for assertion, where in stated:
        try:
            kept = assertions.join([kept, _accepted(source.resolved(assertion), source, changes)])
        except NotCarried as fault:
            _leave(result, where, fault)
            code = str(assertion.get("value", "")).strip().splitlines() if isinstance(assertion, Mapping) else []
            remarks.append(f"{str(fault).partition(':')[0]}: {code[0] if code else ''}".rstrip(": "))
            continue
        stated_here = source.resolved(assertion)
        for key in sorted(stated_here.keys() - {"type", "value", "threshold", "transform"}):
            _leave(result, where, f"{stated_here['type']}: its {key} is not carried over")
    return kept


def _accepted(assertion: Any, source: Source, changes: Sequence[str]) -> Expect:
    """The check, read back as part of a suite. ``changes``: code that changes the answer before it is judged. Raises NotCarried."""
    if not isinstance(assertion, Mapping):
        raise NotCarried(f"not an assertion: {assertion!r}")
    value = with_placeholders(source.content(assertion.get("value")))
    if assertion.get("type") in ("is-json", "not-is-json") and isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise NotCarried("is-json: its value is not a schema") from None
    expect = assertions.convert({**assertion, "value": value})
    for code in (*changes, *([str(assertion["transform"])] if "transform" in assertion else [])):
        expect = assertions.after(code, expect, str(assertion.get("type")))
    row = dict.fromkeys(names_in(expect), "x")
    case = {"id": "a", "model": "gemini-3.8-flash", "prompt": "hi", "each": [row], "expect": expect}
    try:
        parse(suite_text("a", [case]), "a.yaml", Path(), {})
    except SuiteError as fault:
        raise NotCarried(f"{assertion.get('type')}: {first_line(fault)}") from fault
    return expect


# --- a suite ----------------------------------------------------------------------------------------------


def _suite(
    name: str,
    target: _Target,
    prompts: Sequence[Prompt],
    groups: Sequence[_Group],
    source: Source,
    config: Config,
    result: Imported,
) -> None:
    """Add the file of one suite, and those with its rows. Cases that a suite cannot hold are left out."""
    asking: Sequence[_Model | _Group] = (*target.models.values(), *groups)
    filtered = any(one.prompts is not None for one in asking)
    shared, apart = _defaults(target, prompts, filtered=filtered)
    head: dict[str, Json] = {"about": str(source.value.get("description") or f"from {source.document.file}")}
    head |= {"repeat": repeat} if (repeat := _repeat(source)) else {}
    kept: list[dict[str, Json]] = []
    remarks: list[list[str]] = []
    taken: set[str] = set()
    asked: Sequence[Prompt | None] = apart or (None,)
    for prompt, group in product(asked, groups):
        models = [name for name, model in target.models.items() if group.asks(model, prompt)]
        if not models:
            continue
        case = _case(group, prompt, shared, taken)
        for column in names_in([shared, dict(prompt.keys) if prompt else {}, group.expect]):
            message = f"{{{{{(variable := column.partition('__')[0])}}}}} has no value, and its place stays empty"
            missing = not all({column, variable} & row.keys() for row in group.rows)
            if missing and not any(note.endswith(message) for note in result.notes):
                result.notes.append(f"{group.where}: {message}")
        if len(models) < len(target.models):
            case["only"] = one_or_all([{"model": name} for name in models])
        if fault := _refused(name, case, shared, head, config):
            _leave(result, source.document.file, f"{name}/{case['id']}: {fault}")
            continue
        remarks.append([f"left out: {remark}" for remark in group.remarks])
        kept.append(_with_rows_in_file(case, name, config, result))
    if kept:
        result.cases += len(kept)
        expected = [case.get("expect", {}) for case in kept]
        alike = {name: value for name, value in expected[0].items() if all(one.get(name) == value for one in expected)}
        if len(kept) > 1 and alike:
            shared["expect"] = alike
            kept = [without(case, {"expect": alike}) for case in kept]
        result.files[config.suites / f"{name}.yaml"] = suite_text(name, kept, shared, head, remarks)


def _defaults(
    target: _Target, prompts: Sequence[Prompt], *, filtered: bool
) -> tuple[dict[str, Json], Sequence[Prompt]]:
    """The keys of ``defaults``, and the prompts that cannot stand there, as they are more than an axis of texts, or ``filtered``."""
    shared: dict[str, Json] = {"model": one_or_all(list(target.models)), **target.settings}
    if filtered:
        return shared, prompts
    if len(prompts) == 1:
        request = {**shared.get("request", {}), **prompts[0].keys.get("request", {})}
        return {**shared, **prompts[0].keys, **({"request": request} if request else {})}, ()
    if all(list(prompt.keys) == ["prompt"] for prompt in prompts):
        return {**shared, "prompt": [prompt.keys["prompt"] for prompt in prompts]}, ()
    return shared, prompts


def _refused(
    name: str, case: Mapping[str, Json], shared: Mapping[str, Json], head: Mapping[str, Json], config: Config
) -> str:
    """Why a suite cannot hold the case; empty if it can."""
    try:
        suite = parse(suite_text(name, [case], shared, head), f"{name}.yaml", config.suites, {})
        return "" if len(expand([suite])) else "it has no trial"
    except HarnessError as fault:
        snippet = re.search(r"^ *\d+ \| *(.+)", str(fault), re.MULTILINE)
        return f"{first_line(fault)}{f', in `{snippet[1]}`' if snippet else ''}"


def _repeat(source: Source) -> int | None:
    stated = (an_object(source.value.get(key)).get("repeat") for key in ("evaluateOptions", "commandLineOptions"))
    return next((times for times in stated if isinstance(times, int) and times > 1), None)


def _case(group: _Group, prompt: Prompt | None, shared: Mapping[str, Json], taken: set[str]) -> dict[str, Json]:
    keys: Mapping[str, Json] = prompt.keys if prompt else {}
    asked = {key: value for key, value in {**shared, **keys}.items() if key != "model"}
    wanted = names_in([asked, group.expect])
    rows = [{name: cell(row, name) for name in wanted} for row in group.rows]
    rows = list({canonical(row): row for row in rows}.values())
    label = slug(prompt.label.lower()) if prompt else ""
    stem = "-".join(filter(None, (group.name, label))) or _stem(rows, asked)
    case: dict[str, Json] = {"id": free(stem, taken)}
    taken.add(case["id"])
    if group.about and slug(group.about.lower()) != case["id"]:
        case["about"] = group.about
    if len(rows) > 1:
        case["id"] = f"{case['id']}-{_telling(rows)}"
    if wanted:
        case["each"] = rows
    if group.remarks and not group.expect:
        case["skip"] = "what it expects was left out: nothing would be judged"
    return case | dict(keys) | ({"expect": group.expect} if group.expect else {})


def _stem(rows: Sequence[Mapping[str, Json]], asked: Mapping[str, Json]) -> str:
    """The value of the only row, the name of the first variable, or else the first words of the prompt."""
    for name, value in (rows[0] if rows else {}).items():
        shown = slug(str(value).lower())
        if len(rows) > 1 or 0 < len(shown) <= LONGEST_NAME:
            return name if len(rows) > 1 else shown
    return _first_words(asked) or "case"


def _first_words(asked: Mapping[str, Json]) -> str:
    prompt = asked.get("prompt")
    words = re.findall(r"\w+", re.sub(r"\$\{[^}]*\}", "", prompt if isinstance(prompt, str) else ""))
    return "-".join(words[:3]).lower()


def _telling(rows: list[dict[str, Json]]) -> str:
    """The placeholder that tells the rows apart in the id: a variable with short values, else a number that is added to them."""
    for name in rows[0]:
        shown = {slug(str(row[name]).lower()) for row in rows}
        if len(shown) == len(rows) and all(0 < len(text) <= LONGEST_NAME for text in shown):
            return f"${{row.{name}}}"
    free = next(name for name in map("n{}".format, chain(("",), count(2))) if name not in rows[0])
    for number, row in enumerate(rows, 1):
        row[free] = number
    return f"${{row.{free}}}"


def _with_rows_in_file(case: dict[str, Json], name: str, config: Config, result: Imported) -> dict[str, Json]:
    rows = case.get("each", [])
    if len(rows) <= MOST_ROWS:
        return case
    file = config.suites / name / f"{slug(case['id'].partition('-${')[0])}.jsonl"
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    result.files[file] = lines.replace("$${", "${")
    return {**case, "each": f"${{file:{name}/{file.name}}}"}


# --- what remains -----------------------------------------------------------------------------------------


_READ = {
    "assertionTemplates",
    "description",
    "prompts",
    "providers",
    "scenarios",
    "targets",
    "tests",
    "defaultTest",
    "evaluateOptions",
    "commandLineOptions",
}


def _remaining(source: Source, result: Imported) -> None:
    """What the configuration holds beside: left out, with what takes its place."""
    for key in (key for key in source.value if key not in _READ):
        _leave(result, source.at(key), f"{key}: {_instead_of(key)}")
    for group in ("evaluateOptions", "commandLineOptions"):
        for key in (key for key in an_object(source.value.get(group)) if key != "repeat"):
            _leave(result, source.at(group, key), f"{group}.{key}: {_instead_of(key)}")
