"""Makes a suite that sends the recorded requests, and cassettes with the recorded answers.

Each case is parsed again, and its request is compared with the recorded one. A case that would send another request is left
out, with the reason. The cassettes hold the answers in the format of vcrpy, with the address that answered, so that tables
name the provider.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from harness.answer import reply as replies
from harness.config import Config
from harness.errors import HarnessError
from harness.gemini.providers import is_chat, native_body
from harness.judge.recorded import operation_of
from harness.model import UNKNOWN_MODEL, Exchange, Json, Request, Trial
from harness.results.rows import dumps
from harness.run.play import prepare
from harness.suite.matrix import Selection, expand
from harness.suite.parse import parse
from harness.text.amounts import some
from harness.text.jsontext import canonical
from harness.text.names import slug
from harness.text.yamltext import scalar
from harness.transport.cassette import Recorded, document, dump, origin
from harness.transport.cassette.messages import UNKNOWN_HOST
from harness.transport.matching import differences
from harness.transport.redaction import Leaks

LONGEST = 2_000
"""Characters. A body or prompt up to this length is written into the suite; a longer one gets a file of its own."""


class LeftOut(NamedTuple):
    """A request that was not imported, and the reason."""

    where: str
    reason: str


@dataclass(slots=True)
class Imported:
    """The result: texts of the files to write, by path; the requests that were left out; notes for the user."""

    files: dict[Path, str] = field(default_factory=dict)
    cases: int = 0
    answers: int = 0
    unanswered: int = 0
    """Cases without a recorded answer."""
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unreadable: int = 0
    """Recordings, among those left out, that could not be read."""


@dataclass(slots=True)
class _Case:
    """One request, with all of its answers."""

    id: str
    where: str
    request: Request
    model: str
    answers: list[Exchange] = field(default_factory=list)
    credentials: dict[str, str] = field(default_factory=dict)
    """The place of a key that was recorded with the request -> its value."""

    @property
    def host(self) -> str:
        return urlsplit(self.request.url).hostname or ""

    @property
    def simulated(self) -> bool:
        return any(answer.provenance.simulated for answer in self.answers)


def build_suite(name: str, found: Iterable[tuple[str, Sequence[Recorded]]], config: Config, leaks: Leaks) -> Imported:
    """The suite ``name`` of all native requests. ``found`` holds (name of a file for messages, its requests)."""
    result = Imported()
    suite = config.suites / f"{name}.yaml"
    kept = list(_usable_cases(name, _cases(found, result), config, leaks, result))
    if not kept:
        return result
    result.cases = len(kept)
    result.unanswered = sum(not case.answers for case, _, _ in kept)
    result.answers = sum(len(case.answers) for case, _, _ in kept)
    result.notes = list(_notes([case for case, _, _ in kept], config))
    tables = [_case_for_file(table, case, suite, result.files) for case, table, _ in kept]
    for case, _, trial in kept:
        if case.answers:
            result.files[trial.cassette] = dump(map(_vcrpy_interaction, case.answers))
    result.files[suite] = suite_text(name, *_shared(tables))  # the last: a suite without its cassettes is never left
    return result


def _usable_cases(
    name: str, cases: Iterable[_Case], config: Config, leaks: Leaks, result: Imported
) -> Iterator[tuple[_Case, Mapping[str, Json], Trial]]:
    """The cases that a suite can express, each with its table for YAML and its first trial."""
    for case in cases:
        try:
            table = _table(case, config)
            trial = _read_back(name, table, case, config)
            _refuse_secrets(case, table, leaks)
        except HarnessError as fault:
            result.left_out.append(LeftOut(case.where, _first_line(name, fault)))
        else:
            yield case, table, trial


def _first_line(name: str, fault: HarnessError) -> str:
    """The first line of the message, without a place in the suite, which is not written yet."""
    return re.sub(rf"^{re.escape(name)}\.yaml:\d+:\d+: ", "", str(fault).splitlines()[0])


# --- which cases --------------------------------------------------------------------------------------


def _cases(found: Iterable[tuple[str, Sequence[Recorded]]], result: Imported) -> list[_Case]:
    """A case for each different request. If a request was sent several times, its answers are attempts of one case."""
    cases: dict[tuple[str, str, str, bool], _Case] = {}
    ids: dict[str, str] = {}
    for file, recorded in found:
        for index, item in enumerate(recorded):
            where = f"{file}, request {index}"
            native = operation_of(item.request)
            if native is None or not isinstance(item.request.body, dict):
                result.left_out.append(LeftOut(where, _unusable(item, native is not None)))
                continue
            simulated = item.answer is not None and item.answer.provenance.simulated
            key = (native[0], item.request.transport, canonical(item.request.body), simulated)
            if key not in cases:
                text = next(_texts(native_body(item.request)), "")
                name = _id(text, slug(Path(file).stem) or "case", ids)
                ids[name] = text
                cases[key] = _Case(name, where, item.request, native[0])
            cases[key].credentials.update(item.credentials)
            if item.answer is not None:
                cases[key].answers.append(item.answer)
    for case in cases.values():
        case.answers = [answer for answer in case.answers if answer.status not in _RETRIED] or case.answers
    return list(cases.values())


def _unusable(item: Recorded, native: bool) -> str:
    request = item.request
    if native and not request.content and item.answer is None:
        return "it has no body; give it one with -d"
    if native and not request.content:
        return "only its answer was recorded, not what was asked; audit judges it"
    what = "its body is not JSON" if native else f"{request.method} {urlsplit(request.url).path}"
    return f"not a native generateContent request: {what}"


def _id(text: str, stem: str, taken: Mapping[str, str]) -> str:
    """The first words of the prompt, with more of them where another prompt (``taken``: id -> prompt) begins alike, or else the name of
    the file; with a number if that is taken."""
    words = re.findall(r"[\w.+]*\w", text)
    for most in _WORDS:
        name = slug(_joined(words[:most]).lower()) or stem
        if name not in taken:
            return name
        if taken[name] == text:
            break
    return next(one for one in (f"{name}-{number}" for number in count(2)) if one not in taken)


def _joined(words: Sequence[str]) -> str:
    """The words that fit into an id."""
    name = ""
    for word in words:
        name = f"{name}-{word}".strip("-") if len(name) + len(word) < _LONGEST_ID else name
    return name


def _texts(body: Json) -> Iterator[str]:
    """The texts of the turns of the user, the last turn first."""
    turns = body.get("contents")
    for turn in reversed(turns if isinstance(turns, list) else [turns]):
        parts = turn.get("parts") if isinstance(turn, Mapping) and turn.get("role", "user") == "user" else None
        for part in parts if isinstance(parts, list) else [parts]:
            if isinstance(part, Mapping) and isinstance(part.get("text"), str) and re.search(r"\w", part["text"]):
                yield part["text"]


_WORDS, _LONGEST_ID = range(5, 13), 40
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
"""HTTP statuses after which clients retry. If a retry succeeded, only its answer is imported."""


def _refuse_secrets(case: _Case, table: Mapping[str, Json], leaks: Leaks) -> None:
    """Raise an error if a file would contain a known secret, or the key that was recorded with the request."""
    recorded_keys = Leaks({f"its own {where}": _bare(value) for where, value in case.credentials.items()})
    for searched in (leaks, recorded_keys):
        found = searched.search(case.request.content)
        leak = (
            f"{found[0]} in the request's body" if found else next(filter(None, map(searched.find, case.answers)), None)
        )
        if leak is None and (
            elsewhere := searched.search(f"{case.host} {dumps(table)}".encode("utf-8", "surrogatepass"))
        ):
            leak = f"{elsewhere[0]} in the name of its file, its host or its model"
        if leak is None:
            continue
        raise _Unfit(f"it holds {leak}; take that out of the recording first")


def _bare(credential: str) -> str:
    return credential.partition(" ")[2] or credential


class _Unfit(HarnessError):
    """This request cannot be written as a case."""


# --- the table of a case ------------------------------------------------------------------------------


def _table(case: _Case, config: Config) -> dict[str, Json]:
    body: dict[str, Json] = dict(native_body(case.request) or {})
    table: dict[str, Json] = {"id": case.id, "provider": _provider(case, config), "model": _model(case)}
    if case.request.transport == "stream":
        table["transport"] = "stream"
    if len(case.answers) > 1:
        table["repeat"] = len(case.answers)
    prompt = _prompt(body.get("contents"))
    if prompt is not None:
        table["prompt"] = prompt
        del body["contents"]
    if body:
        table["request"] = body
    expect = _expect(case.answers)
    return {**table, "expect": expect} if expect else table


def _model(case: _Case) -> str:
    return case.request.model if is_chat(case.request.url) else case.model


def _provider(case: _Case, config: Config) -> str:
    """The name of the provider with this host and dialect; that of Google if there is none, because the recorded API is Google's.
    That of the simulator for its answers, whatever the host."""
    dialect = "openai" if is_chat(case.request.url) else "gemini"
    if case.simulated:
        return "simulator-openai" if dialect == "openai" else "simulator"
    for row in config.providers.values():
        if not row.simulated and row.dialect == dialect and urlsplit(row.base_url).hostname == case.host:
            return row.name
    return "google-openai" if dialect == "openai" else "google"


def _prompt(contents: Json) -> str | None:
    """The prompt, if the contents are a single user turn with one text; else None."""
    match contents:
        case [{"role": "user", "parts": [{"text": str(text), **rest}], **others}] if not rest and not others:
            return text
    return None


def _expect(answers: Sequence[Exchange]) -> dict[str, Json]:
    """Expectations that all answers satisfy: one value, or one of several."""
    observed = [_observed(answer) for answer in answers]
    names = [name for name in (observed[0] if observed else ()) if all(name in values for values in observed)]
    expected = {name: _common_value(name, [values[name] for values in observed]) for name in names}
    return {name: value for name, value in expected.items() if value is not None}


def _common_value(name: str, values: Sequence[Json]) -> Json:
    different = [value for place, value in enumerate(values) if value not in values[:place]]
    if len(different) == 1:
        return different[0]
    return {"in": different} if name in ("http", "finishReason") else None


def _observed(answer: Exchange) -> dict[str, Json]:
    reply = replies.read(answer)
    if answer.status != 200:
        error = reply.error if isinstance(reply.error, Mapping) else {}
        status = {"error": {"status": error["status"]}} if isinstance(error.get("status"), str) else {}
        return {"http": answer.status, **status}
    found: dict[str, Json] = {"finishReason": reply.finish_reason} if reply.finish_reason else {}
    called = [call.get("name") for call in reply.function_calls]
    return {**found, "functionCalls": [{"name": name} for name in called]} if called else found


def _read_back(name: str, table: Mapping[str, Json], case: _Case, config: Config) -> Trial:
    """The first trial of the case. Raises HarnessError if it would not send the recorded request."""
    text = suite_text(name, [{**table, **_escape_values(table, ("prompt", "request"))}])
    suite = parse(text, f"{name}.yaml", config.suites, {})
    trials = list(expand([suite], Selection(cassettes_dir=config.cassettes, default_provider=config.provider)))
    if not trials:
        raise _Unfit("the case has no trial")
    request = prepare(trials[0], config)
    if canonical(request.body) != canonical(case.request.body):
        change = next(differences(case.request.body, request.body), "")
        raise _Unfit(f"a suite would send another body: {change}")
    return trials[0]


# --- the files ----------------------------------------------------------------------------------------


_DATA = re.compile(r'"data": "[A-Za-z0-9+/_=-]{200}')
"""Data in base64, which nobody edits."""


def _case_for_file(table: Mapping[str, Json], case: _Case, suite: Path, files: dict[Path, str]) -> dict[str, Json]:
    """The case as the suite holds it. A body or prompt that is long, or holds data, is written to a file beside the suite."""
    written = dict(table)
    for key, suffix in (("request", "json"), ("prompt", "txt")):
        value = table.get(key)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        if key in table and (len(text) > LONGEST or _DATA.search(text)):
            path = suite.parent / suite.stem / f"{case.id}.{suffix}"
            files[path] = text
            written[key] = f"${{file:{suite.stem}/{path.name}}}"
        elif key in table:
            written |= _escape_values(table, (key,))
    return written


def _escape_values(value: Mapping[str, Json], keys: Sequence[str]) -> dict[str, Json]:
    return {key: _without_templates(value[key]) for key in keys if key in value}


def _without_templates(value: Json) -> Json:
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {key: _without_templates(item) for key, item in value.items()}
    return [_without_templates(item) for item in value] if isinstance(value, list) else value


def _vcrpy_interaction(answer: Exchange) -> dict[str, Any]:
    """The answer in the format of vcrpy, without our own data (times, slots), which are not known. Its origin stays in its headers."""
    item = document(answer, None)
    del item["response"]["x-recording"]
    item["response"]["body"]["string"] = _as_text(answer.content)
    item["response"]["headers"] |= {name: [value] for name, value in origin.headers_of(answer.provenance)}
    if not answer.verbatim:  # marks a recording whose bytes another tool changed
        item["request"] = {**item["request"], "parsed_body": answer.request.body}
        del item["request"]["body"]
    return item


def _as_text(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _shared(tables: Sequence[dict[str, Json]]) -> tuple[Sequence[Mapping[str, Json]], Mapping[str, Json]]:
    """The cases without what they share, and what they share: for ``defaults``."""
    if len(tables) < 2:
        return tables, {}
    shared: dict[str, Json] = {}
    for name in ("provider", "model"):
        shared[name] = Counter(table[name] for table in tables).most_common(1)[0][0]
    if "transport" in tables[0] and all(table.get("transport") == tables[0]["transport"] for table in tables):
        shared["transport"] = tables[0]["transport"]
    if expect := _shared_expect(tables):
        shared["expect"] = expect
    if request := _shared_request([table.get("request") for table in tables]):
        shared["request"] = request
    return [_without(table, shared) for table in tables], shared


def _shared_expect(tables: Sequence[Mapping[str, Json]]) -> Mapping[str, Json]:
    """What every case expects, but those that expect HTTP 400: they take no expectation from the defaults."""
    expected = [table.get("expect", {}) for table in tables]
    judged = [expect for expect in expected if expect.get("http") != 400]
    names = [name for name in (judged[0] if judged else ()) if all(name in expect for expect in judged)]
    return {name: _most_common([expect[name] for expect in judged]) for name in names}


def _most_common(values: Sequence[Json]) -> Json:
    return json.loads(Counter(map(json.dumps, values)).most_common(1)[0][0])


def _shared_request(bodies: Sequence[Json]) -> Mapping[str, Json]:
    """The fields that all requests have with the same value."""
    first = bodies[0]
    if not all(isinstance(body, Mapping) for body in bodies):
        return {}
    names = [name for name in first if name != "contents" and all(name in body for body in bodies)]
    return {name: first[name] for name in names if len({canonical(body[name]) for body in bodies}) == 1}


def _without(table: Mapping[str, Json], shared: Mapping[str, Json]) -> dict[str, Json]:
    kept = {key: value for key, value in table.items() if key == "request" or value != shared.get(key)}
    if "expect" in kept and "expect" in shared:
        kept["expect"] = {name: value for name, value in kept["expect"].items() if value != shared["expect"].get(name)}
    if "request" in shared:
        kept["request"] = {key: value for key, value in table["request"].items() if key not in shared["request"]}
    return {key: value for key, value in kept.items() if key not in ("request", "expect") or value}


def suite_text(
    name: str,
    tables: Sequence[Mapping[str, Json]],
    defaults: Mapping[str, Json] | None = None,
    head: Mapping[str, Json] | None = None,
    remarks: Sequence[Sequence[str]] = (),
) -> str:
    """A suite as people write it. ``head`` holds further keys of the file, ``remarks`` comments above each case."""
    text = f"# yaml-language-server: $schema=./.gemini-harness.schema.json\nsuite: {name}\n"
    for part in (head, {"defaults": dict(defaults)} if defaults else None):
        text += yaml.dump(dict(part), Dumper=_SuiteDumper, **_STYLE) if part else ""
    cases = [_indented(yaml.dump([dict(table)], Dumper=_SuiteDumper, **_STYLE)) for table in tables]
    comments = ["".join(f"  # {line}\n" for line in lines) for lines in remarks] or [""] * len(cases)
    return f"{text}cases:\n" + "\n".join(map("".join, zip(comments, cases, strict=True)))


_STYLE: Mapping[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 120}


def _indented(text: str) -> str:
    return re.sub(r"^(?=.)", "  ", text, flags=re.MULTILINE)


class _SuiteDumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes long texts as literal blocks, and no anchors."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        node = super().represent_mapping(tag, mapping, flow_style)
        node.flow_style = not _UPRIGHT & mapping.keys() and _is_short([*sum(node.value, ())])
        return node

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = _is_short(node.value)
        return node


_UPRIGHT = {"about", "defaults", "expect", "id", "model"}
"""Mappings with one of these keys have a line for each."""
SHORT = 60
"""Characters of a list or mapping that is written in one line."""


def _is_short(nodes: Sequence[Any]) -> bool:
    """Whether these values fit into one line, and are texts or short collections themselves."""
    return sum(map(_width, nodes)) <= SHORT


def _width(node: Any) -> int:
    if isinstance(node, yaml.ScalarNode):
        return SHORT + 1 if "\n" in node.value else len(node.value) + 2
    inner = sum(node.value, ()) if isinstance(node, yaml.MappingNode) else node.value
    return sum(map(_width, inner)) + 2 if node.flow_style else SHORT + 1


def _represent_text(dumper: Any, text: str) -> Any:
    # PyYAML cannot read a block of line breaks only. Line breaks at the end of a block depend on what follows it.
    style = "|" if "\n" in text and text.strip("\n") and not text.endswith("\n\n") else None
    if text and not isinstance(scalar(text), str):  # our reader takes 0E0 for a number, as YAML 1.2 does
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_SuiteDumper.add_representer(str, _represent_text)


# --- notes --------------------------------------------------------------------------------------------


def _notes(cases: Sequence[_Case], config: Config) -> Iterator[str]:
    served = {UNKNOWN_HOST, *(urlsplit(row.base_url).hostname for row in config.providers.values())}
    for host in dict.fromkeys(case.host for case in cases if case.host not in served and not case.simulated):
        yield (
            f"no provider is configured for {host}: live runs of its cases send to google; "
            "to send to it, add a row under [tool.gemini-harness.providers]"
        )
    with_keys = [case.id for case in cases if case.credentials]
    if with_keys:
        where = ", ".join(dict.fromkeys(name for case in cases for name in case.credentials))
        yield f"a key was recorded with {some(with_keys)} ({where}) and was not copied; revoke it if the file was shared"
    unnamed = [case.id for case in cases if case.model == UNKNOWN_MODEL]
    if unnamed:
        yield f"the model of {some(unnamed)} is not recorded, or is a variable: write it in the place of {UNKNOWN_MODEL}"
    unanswered = [case.id for case in cases if not case.answers]
    if unanswered:
        yield f"without an answer, to be recorded: {some(unanswered)}"
