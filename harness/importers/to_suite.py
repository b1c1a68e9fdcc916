"""Makes a suite that sends the recorded requests, and cassettes with the recorded answers.

Each case is parsed again, and its request is compared with the recorded one. A case that would send another request is left
out, with the reason. The cassettes hold the answers in the format of vcrpy, with the address that answered, so that tables
name the provider.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter, deque
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml
from msgspec.structs import replace

from harness.answer import reply as replies
from harness.config import Config
from harness.errors import HarnessError
from harness.gemini.providers import is_chat, native_body
from harness.importers import provider_row
from harness.judge.recorded import operation
from harness.model import UNKNOWN_MODEL, Exchange, Json, Request, Target, Trial
from harness.results.rows import dumps
from harness.run.play import prepare
from harness.suite.matrix import Selection, expand
from harness.suite.parse import parse
from harness.text.amounts import some
from harness.text.grouping import grouped
from harness.text.jsontext import canonical, compact, mapped
from harness.text.names import slug
from harness.text.yamltext import scalar
from harness.transport.cassette import Recorded, document, dump, origin
from harness.transport.cassette.messages import UNKNOWN_HOST
from harness.transport.cassette.writing import as_text
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


@dataclass(slots=True, eq=False)
class _Sent:
    """A request that was sent to one model, with all of its answers."""

    where: str
    stem: str
    """The name of the file, for an id without a prompt."""
    request: Request
    provider: str
    """The name of the provider that its case asks."""
    gateway: str
    """The host, if no provider is configured for it."""
    model: str
    text: str
    """The prompt, for the id."""
    answers: list[Exchange] = field(default_factory=list)
    retried: Sequence[int] = ()
    """The statuses of answers that are left out, because another attempt succeeded."""
    observed: Sequence[Mapping[str, Json]] = ()
    """What each answer justifies to expect."""
    credentials: dict[str, str] = field(default_factory=dict)
    """The place of a key that was recorded with the request -> its value."""

    @property
    def body(self) -> Mapping[str, Json]:
        return native_body(self.request) or {}


class _Case(NamedTuple):
    """A case of the suite: the same request to one target, or to several."""

    id: str
    sent: Sequence[_Sent]
    table: Mapping[str, Json]
    trials: Mapping[Target, Trial]
    """The first trial at each target."""

    @property
    def answers(self) -> Sequence[Exchange]:
        return [answer for sent in self.sent for answer in sent.answers]


def build_suite(name: str, found: Iterable[tuple[str, Sequence[Recorded]]], config: Config, leaks: Leaks) -> Imported:
    """The suite ``name`` of all native requests. ``found`` holds (name of a file for messages, its requests)."""
    result = Imported()
    suite = config.suites / f"{name}.yaml"
    sent = _without_secrets(_sent(found, config, result), leaks, result)
    cases = list(_cases(name, sent, config, result))
    if not cases:
        return result
    result.cases = len(cases)
    result.unanswered = sum(not case.answers for case in cases)
    result.answers = sum(len(case.answers) for case in cases)
    result.notes = list(_notes(cases, config))
    tables = [_case_for_file(case, suite, result.files) for case in cases]
    for case in cases:
        for one in case.sent:
            if one.answers:
                cassette = case.trials[Target(one.provider, one.model)].cassette
                result.files[cassette] = dump(map(_vcrpy_interaction, one.answers))
    result.files[suite] = suite_text(name, *_shared(tables))  # the last: a suite without its cassettes is never left
    return result


def first_line(fault: HarnessError) -> str:
    """The first line of the message, without a place in the suite, which is not written yet."""
    return re.sub(r"^\S+\.yaml:\d+(:\d+)?: ", "", str(fault).splitlines()[0])


# --- which requests -----------------------------------------------------------------------------------


def _sent(found: Iterable[tuple[str, Sequence[Recorded]]], config: Config, result: Imported) -> list[_Sent]:
    """Each different request. If it was sent several times, its answers are attempts."""
    requests: dict[tuple[str, ...], _Sent] = {}
    for file, recorded in found:
        for index, item in enumerate(map(_as_suites_send, recorded)):
            where = f"{file}, {f'line {item.line}' if item.line else f'request {index}'}"
            native = operation(item.request)
            if native is None or not isinstance(item.request.body, dict):
                result.left_out.append(LeftOut(where, _unusable(item, native is not None)))
                continue
            provider, gateway = _provider(item, config)
            if item.answer is None and "\ufffd" in dumps(item.request.body):
                result.left_out.append(LeftOut(where, "characters of it cannot be read; save the file as UTF-8"))
                continue
            model = item.request.model if is_chat(item.request.url) else native[0]
            key = (provider, gateway, model, item.request.transport, canonical(item.request.body))
            if key not in requests:
                text = next(_texts(native_body(item.request)), "")
                stem = slug(Path(file).stem) or "case"
                requests[key] = _Sent(where, stem, item.request, provider, gateway, model, text)
            keys = requests[key].credentials
            keys.update((where, value or keys.get(where, "")) for where, value in item.credentials)
            if item.answer is not None:
                requests[key].answers.append(item.answer)
    known = {canonical(one.body) for one in requests.values() if one.model != UNKNOWN_MODEL}
    # without the files that hold the bodies of commands
    kept = [
        one
        for one in requests.values()
        if one.answers or one.model != UNKNOWN_MODEL or canonical(one.body) not in known
    ]
    for one in kept:
        final = [answer for answer in one.answers if answer.status not in _RETRIED]
        one.retried = [answer.status for answer in one.answers if final and answer.status in _RETRIED]
        one.answers = final or one.answers
        one.observed = [_observed(answer) for answer in one.answers]
    return kept


def _as_suites_send(item: Recorded) -> Recorded:
    """A request without an answer in the form that suites give it: its turns in a list, the usage asked for beside a stream."""
    request = item.request
    if item.answer or not isinstance(request.body, dict):
        return item
    body = dict(request.body)
    if isinstance(body.get("contents"), Mapping):
        body["contents"] = [body["contents"]]
    if is_chat(request.url) and request.transport == "stream":
        body.setdefault("stream_options", {"include_usage": True})
    return replace(item, request=replace(request, body=body, content=compact(body)))


def _provider(item: Recorded, config: Config) -> tuple[str, str]:
    """The name of the provider with this host and dialect. If there is none, that of Google, because the recorded API is Google's, and
    the host, if it is known. That of the simulator for its answers, whatever the host."""
    dialect, suffix = ("openai", "-openai") if is_chat(item.request.url) else ("gemini", "")
    host = urlsplit(item.request.url).hostname or ""
    if item.answer is not None and item.answer.provenance.simulated:
        return f"simulator{suffix}", ""
    for row in config.providers.values():
        if not row.simulated and row.dialect == dialect and row.host == host:
            return row.name, ""
    is_served = host == UNKNOWN_HOST or any(row.host == host for row in config.providers.values())
    return f"google{suffix}", "" if is_served else host


def _unusable(item: Recorded, native: bool) -> str:
    request = item.request
    if native and not request.content and item.answer is None:
        return "it has no body; give it one with -d"
    if native and not request.content:
        return "only its answer was recorded, not what was asked; audit judges it"
    what = "its body is not JSON; write it in full" if native else f"{request.method} {urlsplit(request.url).path}"
    return f"not a native generateContent request: {what}"


def _id(text: str, stem: str, taken: Mapping[str, str]) -> str:
    """The first words of the prompt, with more of them where another prompt (``taken``: id -> prompt) begins alike, or else the name of
    the file; with a number if that is taken."""
    words = re.findall(r"[\w.+]*\w", text)
    for most in _WORDS:
        name = slug(_joined(words[:most]).lower()) or stem
        if name not in taken or taken[name] == text:
            break
    return free(name, taken)


def free(name: str, taken: Container[str]) -> str:
    """The name, with a number if it is taken."""
    return next(one for one in chain((name,), (f"{name}-{number}" for number in count(2))) if one not in taken)


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


def _without_secrets(requests: Iterable[_Sent], leaks: Leaks, result: Imported) -> Iterator[_Sent]:
    """The requests whose files would hold no secret: neither a known one nor the key that was recorded with the request."""
    for sent in requests:
        recorded_keys = Leaks(
            {f"its own {where}": value.partition(" ")[2] or value for where, value in sent.credentials.items() if value}
        )
        leak = next(filter(None, (_leak(sent, searched) for searched in (leaks, recorded_keys))), None)
        if leak is None:
            yield sent
        else:
            result.left_out.append(LeftOut(sent.where, f"it holds {leak}; take that out of the recording first"))


def _leak(sent: _Sent, leaks: Leaks) -> str | None:
    """The first secret that the suite or the cassette would hold, and where."""
    if found := leaks.search(sent.request.content):
        return f"{found[0]} in the request's body"
    if echoed := next(filter(None, map(leaks.find, sent.answers)), None):
        return echoed
    named = " ".join([_id(sent.text, sent.stem, {}), sent.request.url, sent.model, dumps(sent.request.body)])
    found = leaks.search(named.encode("utf-8", "surrogatepass"))
    return f"{found[0]} in the name of its file, its host or its model" if found else None


class _Unfit(HarnessError):
    """This request cannot be written as a case."""


# --- the cases ----------------------------------------------------------------------------------------


def _cases(name: str, requests: Iterable[_Sent], config: Config, result: Imported) -> Iterator[_Case]:
    """The cases that the suite ``name`` can express. What was sent to several models is one case, where their answers justify the
    same expectations."""
    taken: dict[str, str] = {}
    groups = grouped(requests, _question)
    waiting = deque(part for group in groups.values() for part in _grids(group))
    while waiting:
        sent = waiting.popleft()
        try:
            case = _read_back(name, _id(sent[0].text, sent[0].stem, taken), sent, config)
        except HarnessError as fault:
            if len(sent) > 1:
                waiting.extendleft(reversed(_parts(name, sent, config)))
            else:
                result.left_out.append(LeftOut(sent[0].where, first_line(fault)))
        else:
            taken[case.id] = sent[0].text
            yield case


def _parts(name: str, sent: Sequence[_Sent], config: Config) -> list[list[_Sent]]:
    """The requests of a case that cannot be: those that a case may send, and each of the others."""
    unfit = []
    for one in sent:
        try:
            _read_back(name, "alone", [one], config)
        except HarnessError:
            unfit.append([one])
    fit = [one for one in sent if [one] not in unfit]
    return [*_grids(fit), *unfit] if unfit and fit else [[one] for one in sent]


def _question(sent: _Sent) -> str:
    """What requests have in common that may be one case: all but their target, and how an answer of several words ended."""
    table = _table("", [sent])
    expect = table.get("expect", {})
    ended = {"finishReason": True} if "finishReason" in expect else {}
    return canonical({**table, "provider": "", "model": "", "expect": {**expect, **ended}})


def _grids(group: Sequence[_Sent]) -> list[list[_Sent]]:
    """The group, if each of its models was asked at each of its providers, as a case does; otherwise the part of each provider."""
    providers, models = {sent.provider for sent in group}, {sent.model for sent in group}
    targets = {(sent.provider, sent.model) for sent in group}
    if len(targets) == len(group) == len(providers) * len(models):
        return [list(group)]
    return list(grouped(group, lambda sent: (sent.provider, sent.gateway)).values())


def _table(id: str, sent: Sequence[_Sent]) -> dict[str, Json]:
    """The case as a table for YAML, with its body as it was sent."""
    first = sent[0]
    body = dict(first.body)
    providers, models = (
        list(dict.fromkeys(names)) for names in zip(*((one.provider, one.model) for one in sent), strict=True)
    )
    table: dict[str, Json] = {"id": id, "provider": one_or_all(providers), "model": one_or_all(models)}
    if first.request.transport == "stream":
        table["transport"] = "stream"
    if len(first.answers) > 1:
        table["repeat"] = len(first.answers)
    prompt = _prompt(body.get("contents"))
    if prompt is not None:
        table["prompt"] = prompt
        del body["contents"]
    if body:
        table["request"] = body
    expect = _expect([values for one in sent for values in one.observed])
    return {**table, "expect": expect} if expect else table


def one_or_all(values: Sequence[Json]) -> Json:
    """The values of a key that takes one or a list."""
    return values[0] if len(values) == 1 else list(values)


def _prompt(contents: Json) -> str | None:
    """The prompt, if the contents are a single user turn with one text; else None."""
    match contents:
        case [{"role": "user", "parts": [{"text": str(text), **rest}], **others}] if not rest and not others:
            return text
    return None


def _expect(observed: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """Expectations that all answers satisfy: one value, or one of several."""
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


def _read_back(name: str, id: str, sent: Sequence[_Sent], config: Config) -> _Case:
    """The case. Raises HarnessError if it would not send the recorded requests."""
    table = _table(id, sent)
    plain: dict[str, Json] = {key: without_templates(table[key]) for key in ("prompt", "request") if key in table}
    try:
        text = suite_text(name, [{**table, **plain}])
    except UnicodeEncodeError as fault:
        half = ascii(fault.object[fault.start])
        raise _Unfit(f"it holds half of a character, {half}, which a suite cannot hold; write it whole") from None
    suite = parse(text, f"{name}.yaml", config.suites, {})
    found = expand([suite], Selection(cassettes_dir=config.cassettes, default_provider=config.provider))
    trials = {group.target: found.first(group) for group in found.groups()}
    for one in sent:
        trial = trials.get(Target(one.provider, one.model))
        if trial is None:
            raise _Unfit("the case has no trial")
        body = prepare(trial, config).body
        if canonical(body) != canonical(one.request.body):
            raise _Unfit(f"a suite would send another body: {next(differences(one.request.body, body), '')}")
    return _Case(id, sent, table, trials)


# --- the files ----------------------------------------------------------------------------------------


_DATA = re.compile(r'"data": "[A-Za-z0-9+/_=-]{200}')
"""Data in base64, which nobody edits."""


def _case_for_file(case: _Case, suite: Path, files: dict[Path, str]) -> dict[str, Json]:
    """The case as the suite holds it. A body or prompt that is long, or holds data, is written to a file beside the suite."""
    table, written = case.table, dict(case.table)
    for key, suffix in (("request", "json"), ("prompt", "txt")):
        value = table.get(key)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        if key in table and (len(text) > LONGEST or _DATA.search(text)):
            path = suite.parent / suite.stem / f"{case.id}.{suffix}"
            files[path] = text
            written[key] = f"${{file:{suite.stem}/{path.name}}}"
        elif key in table:
            written[key] = without_templates(value)
    return written


def without_templates(value: Json) -> Json:
    """The value as plain data, whose texts are no templates."""
    return mapped(value, lambda text: text.replace("${", "$${") if isinstance(text, str) else text)


def _vcrpy_interaction(answer: Exchange) -> dict[str, Any]:
    """The answer in the format of vcrpy, without our own data (times, slots), which are not known. Its origin stays in its headers."""
    item = document(answer, None)
    del item["response"]["x-recording"]
    item["response"]["body"]["string"] = as_text(answer.content)
    item["response"]["headers"] |= {name: [value] for name, value in origin.headers_of(answer.provenance)}
    if not answer.verbatim:  # marks a recording whose bytes another tool changed
        item["request"] = {**item["request"], "parsed_body": answer.request.body}
        del item["request"]["body"]
    return item


def _shared(tables: Sequence[dict[str, Json]]) -> tuple[Sequence[Mapping[str, Json]], Mapping[str, Json]]:
    """The cases without what they share, and what they share: for ``defaults``."""
    if len(tables) < 2:
        return tables, {}
    shared = {name: _most_common([table[name] for table in tables]) for name in ("provider", "model")}
    if "transport" in tables[0] and all(table.get("transport") == tables[0]["transport"] for table in tables):
        shared["transport"] = tables[0]["transport"]
    if expect := _shared_expect(tables):
        shared["expect"] = expect
    if request := _shared_request([table.get("request") for table in tables]):
        shared["request"] = request
    return [without(table, shared) for table in tables], shared


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


def without(table: Mapping[str, Json], shared: Mapping[str, Json]) -> dict[str, Json]:
    """The case without what it shares with the defaults."""
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
    dumped = (yaml.dump([dict(table)], Dumper=_SuiteDumper, **_STYLE) for table in tables)
    cases = [re.sub(r"^(?=.)", "  ", case, flags=re.MULTILINE) for case in dumped]
    comments = ["".join(f"  # {line}\n" for line in lines) for lines in remarks] or [""] * len(cases)
    return f"{text}cases:\n" + "\n".join(map("".join, zip(comments, cases, strict=True)))


_STYLE: Mapping[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 120}


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
    sent = [one for case in cases for one in case.sent]
    if unserved := list({one.gateway: one for one in sent if one.gateway}.values()):
        yield _provider_to_add(unserved, config)
    with_keys = [case.id for case in cases if any(value for one in case.sent for value in one.credentials.values())]
    if with_keys:
        where = ", ".join(dict.fromkeys(name for one in sent for name, value in one.credentials.items() if value))
        yield f"a key was recorded with {some(with_keys)} ({where}) and was not copied; revoke it if the file was shared"
    unnamed = [case.id for case in cases if any(one.model == UNKNOWN_MODEL for one in case.sent)]
    if unnamed:
        yield f"the model of {some(unnamed)} is not recorded, or is a variable: write it in the place of {UNKNOWN_MODEL}"
    if retried := [f"HTTP {status} of {case.id}" for case in cases for one in case.sent for status in one.retried]:
        yield f"another attempt has the answer, so that before it is left out, and only audit judges it: {some(retried)}"
    unanswered = [case.id for case in cases if not case.answers]
    if unanswered:
        yield f"without an answer, to be recorded: {some(unanswered)}"
    alike = (
        same for same in grouped(cases, _asked).values() if len({one.model for case in same for one in case.sent}) > 1
    )
    if apart := [" and ".join(case.id for case in same) for same in alike if len(same) > 1]:
        yield (
            f"{some(apart)} send the same to several models, and stay apart: the answers of one are more, are errors, or call "
            "other functions"
        )


def _asked(case: _Case) -> tuple[str, str, str, str]:
    """Where the case is sent, and what, whatever the model."""
    first = case.sent[0]
    return first.provider, first.gateway, first.request.transport, canonical(first.body)


def _provider_to_add(unserved: Sequence[_Sent], config: Config) -> str:
    """What to write into the configuration for the hosts that no provider serves: a table for the first of them."""
    row = provider_row.toml(unserved[0].request.url, unserved[0].credentials, config.file)
    several = ", and likewise for the others" if len(unserved) > 1 else ""
    return (
        f"no provider is configured for {some([one.gateway for one in unserved])}: live runs of these cases ask "
        f"{unserved[0].provider}; to ask it, add these lines to {config.file or 'harness.toml'}{several}, and import again with "
        f"--replace:\n{textwrap.indent(row, '    ')}"
    )
