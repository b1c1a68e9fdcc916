"""What was asked elsewhere -> a suite that asks the same, and cassettes that answer it.

Each case is read back as a suite would be and its request compared with the one that was sent: a case whose request would be
another one is left out, with the reason. The answers stand in the cassettes as vcrpy keeps them, at the address where they
were given, so that the tables name who answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from harness.answer import reply as replies
from harness.config import Config
from harness.errors import HarnessError
from harness.importers import Recorded
from harness.judge.audit import operation_at
from harness.model import Exchange, Json, Request, Trial
from harness.results.rows import dumps
from harness.run.play import prepare
from harness.suite.matrix import Selection, expand
from harness.suite.parse import parse
from harness.text.jsontext import canonical
from harness.text.names import slug
from harness.text.yamltext import scalar
from harness.transport.cassette import document, dump
from harness.transport.redaction import Leaks

LONGEST = 2_000
"""Characters of a body that stand in the suite itself; a longer one gets a file of its own."""


class LeftOut(NamedTuple):
    """What was not taken over, and why."""

    where: str
    reason: str


@dataclass(slots=True)
class Imported:
    """Files to write, by path; what was left out; what is worth knowing."""

    files: dict[Path, str] = field(default_factory=dict)
    cases: int = 0
    answers: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Case:
    """One request, as often as it was sent."""

    id: str
    where: str
    request: Request
    model: str
    answers: list[Exchange] = field(default_factory=list)
    credentials: dict[str, str] = field(default_factory=dict)
    """Where one stood beside the request -> its value."""

    @property
    def host(self) -> str:
        return urlsplit(self.request.url).hostname or ""


def imported(name: str, found: Iterable[tuple[str, Sequence[Recorded]]], config: Config, leaks: Leaks) -> Imported:
    """The suite ``name`` of all that was asked natively. ``found``: files, by the name that is told, and what each holds."""
    done = Imported()
    suite = config.suites / f"{name}.yaml"
    kept = list(_fitting(name, _cases(found, done), config, leaks, done))
    if not kept:
        return done
    done.cases = len(kept)
    done.answers = sum(len(case.answers) for case, _, _ in kept)
    done.notes = list(_notes([case for case, _, _ in kept], config))
    done.files[suite] = _text(name, [_written(table, case, suite, done.files) for case, table, _ in kept])
    for case, _, trial in kept:
        if case.answers:
            done.files[trial.cassette] = dump(map(_kept, case.answers))
    return done


def _fitting(
    name: str, cases: Iterable[_Case], config: Config, leaks: Leaks, done: Imported
) -> Iterator[tuple[_Case, Mapping[str, Json], Trial]]:
    """The cases that a suite can say, each with how it says it and its first trial."""
    for case in cases:
        try:
            table = _table(case, config)
            trial = _read_back(name, table, case, config)
            _refuse_secrets(case, table, leaks)
        except HarnessError as fault:
            done.left_out.append(LeftOut(case.where, _first_line(name, fault)))
        else:
            yield case, table, trial


def _first_line(name: str, fault: HarnessError) -> str:
    """Without the place in a suite that nobody sees."""
    return re.sub(rf"^{re.escape(name)}\.yaml:\d+:\d+: ", "", str(fault).splitlines()[0])


# --- which cases --------------------------------------------------------------------------------------


def _cases(found: Iterable[tuple[str, Sequence[Recorded]]], done: Imported) -> list[_Case]:
    """A case for each request that differs; the same one sent again is another attempt at it."""
    cases: dict[tuple[str, str, str], _Case] = {}
    ids: dict[str, int] = {}
    for file, asked in found:
        for index, each in enumerate(asked):
            where = f"{file}, request {index}"
            native = operation_at(each.request.url)
            if native is None or not isinstance(each.request.body, dict):
                what = "no body that is JSON" if native else f"{each.request.method} {urlsplit(each.request.url).path}"
                done.left_out.append(LeftOut(where, f"not a native generateContent request: {what}"))
                continue
            key = (native[0], each.request.transport, canonical(each.request.body))
            if key not in cases:
                stem = slug(Path(file).stem) or "case"
                ids[stem] = ids.get(stem, 0) + 1
                number = f"-{ids[stem]}" if ids[stem] > 1 else ""
                cases[key] = _Case(f"{stem}{number}", where, each.request, native[0])
            cases[key].credentials.update(each.credentials)
            if each.answer is not None:
                cases[key].answers.append(each.answer)
    for case in cases.values():
        case.answers = [each for each in case.answers if each.status not in _AGAIN] or case.answers
    return list(cases.values())


_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which clients ask again: where that helped, the later answer is the one."""


def _refuse_secrets(case: _Case, table: Mapping[str, Json], leaks: Leaks) -> None:
    """Neither one that is known, nor what stood beside the request as its key, may be written."""
    its_own = Leaks({f"its own {where}": _bare(value) for where, value in case.credentials.items()})
    for searched in (leaks, its_own):
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
    """This request cannot be said as a case."""


# --- what a case says ---------------------------------------------------------------------------------


def _table(case: _Case, config: Config) -> dict[str, Json]:
    body: dict[str, Json] = dict(case.request.body)
    table: dict[str, Json] = {"id": case.id, "provider": _provider(case.host, config), "model": case.model}
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


def _provider(host: str, config: Config) -> str:
    """The row that asks this host, else Google's: it is Google's API that was asked, wherever."""
    for row in config.providers.values():
        if not row.simulated and urlsplit(row.base_url).hostname == host:
            return row.name
    return "google"


def _prompt(contents: Json) -> str | None:
    """The text, where one text is all that the user said."""
    match contents:
        case [{"role": "user", "parts": [{"text": str(text), **rest}], **others}] if not rest and not others:
            return text
    return None


def _expect(answers: Sequence[Exchange]) -> dict[str, Json]:
    """What was seen, where all answers have it: one value, or one of several."""
    seen = [_seen(each) for each in answers]
    names = [name for name in (seen[0] if seen else ()) if all(name in each for each in seen)]
    said = {name: _said(name, [each[name] for each in seen]) for name in names}
    return {name: value for name, value in said.items() if value is not None}


def _said(name: str, values: Sequence[Json]) -> Json:
    once = [value for place, value in enumerate(values) if value not in values[:place]]
    if len(once) == 1:
        return once[0]
    return {"in": once} if name in ("http", "finishReason") else None


def _seen(answer: Exchange) -> dict[str, Json]:
    reply = replies.read(answer)
    if answer.status != 200:
        error = reply.error if isinstance(reply.error, Mapping) else {}
        status = {"error": {"status": error["status"]}} if isinstance(error.get("status"), str) else {}
        return {"http": answer.status, **status}
    found: dict[str, Json] = {"finishReason": reply.finish_reason} if reply.finish_reason else {}
    called = [call.get("name") for call in reply.function_calls]
    return {**found, "functionCalls": [{"name": name} for name in called]} if called else found


def _read_back(name: str, table: Mapping[str, Json], case: _Case, config: Config) -> Trial:
    """The first trial of the case, which sends what was sent. Raises HarnessError where it does not."""
    text = _text(name, [{**table, **_escaped(table, ("prompt", "request"))}])
    suite = parse(text, f"{name}.yaml", config.suites, {})
    trials = list(expand([suite], Selection(cassettes_dir=config.cassettes, default_provider=config.provider)))
    if not trials:
        raise _Unfit("no trial comes of it")
    request = prepare(trials[0], config)
    if canonical(request.body) != canonical(case.request.body):
        raise _Unfit("a suite would send another body")
    return trials[0]


# --- as files -----------------------------------------------------------------------------------------


def _written(table: Mapping[str, Json], case: _Case, suite: Path, files: dict[Path, str]) -> dict[str, Json]:
    """The case as it stands in the suite: a long body, or prompt, in a file beside it."""
    said = dict(table)
    for key, suffix in (("request", "json"), ("prompt", "txt")):
        value = table.get(key)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        if key in table and len(text) > LONGEST:
            path = suite.parent / suite.stem / f"{case.id}.{suffix}"
            files[path] = text
            said[key] = f"${{file:{suite.stem}/{path.name}}}"
        elif key in table:
            said |= _escaped(table, (key,))
    return said


def _escaped(value: Mapping[str, Json], keys: Sequence[str]) -> dict[str, Json]:
    return {key: _without_templates(value[key]) for key in keys if key in value}


def _without_templates(value: Json) -> Json:
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {key: _without_templates(each) for key, each in value.items()}
    return [_without_templates(each) for each in value] if isinstance(value, list) else value


def _kept(answer: Exchange) -> dict[str, Any]:
    """As vcrpy keeps it: what we alone record (times, slots) is not known of it."""
    item = document(answer, None)
    del item["response"]["x-recording"]
    item["response"]["body"]["string"] = _as_text(answer.content)
    if not answer.verbatim:  # so that it is still known as a recording whose bytes were touched
        item["request"] = {**item["request"], "parsed_body": answer.request.body}
        del item["request"]["body"]
    return item


def _as_text(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _text(name: str, tables: Sequence[Mapping[str, Json]]) -> str:
    head = f"# yaml-language-server: $schema=./.gemini-harness.schema.json\nsuite: {name}\ncases:\n"
    return head + "\n".join(_indented(yaml.dump([dict(each)], Dumper=_SuiteDumper, **_STYLE)) for each in tables)


_STYLE: Mapping[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 120}


def _indented(text: str) -> str:
    return re.sub(r"^(?=.)", "  ", text, flags=re.MULTILINE)


class _SuiteDumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Long texts as literal blocks, no anchors."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    # PyYAML cannot read back a block of line breaks alone, and what stands after a block would add to those at its end
    style = "|" if "\n" in text and text.strip("\n") and not text.endswith("\n\n") else None
    if text and not isinstance(scalar(text), str):  # to this program, which reads 0E0 as YAML 1.2 does
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_SuiteDumper.add_representer(str, _represent_text)


# --- what is worth knowing ----------------------------------------------------------------------------


def _notes(cases: Sequence[_Case], config: Config) -> Iterator[str]:
    served = {urlsplit(row.base_url).hostname for row in config.providers.values()}
    for host in dict.fromkeys(case.host for case in cases if case.host not in served):
        yield (
            f"no provider here asks {host}: its cases ask google when they are played live; "
            "a row under [tool.gemini-harness.providers] would ask it"
        )
    held = [case.id for case in cases if case.credentials]
    if held:
        where = ", ".join(dict.fromkeys(name for case in cases for name in case.credentials))
        yield f"a key stood beside {_few(held)} ({where}) and was left behind; revoke it if the file was shared"
    silent = [case.id for case in cases if not case.answers]
    if silent:
        yield f"without an answer, to be recorded: {_few(silent)}"


def _few(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    return f"{', '.join(ids[:3])}{more}"
