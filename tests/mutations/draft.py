"""A real exchange, taken apart, that a mutation changes in place and that is put together again."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from harness.answer import framing, reply
from harness.answer.reply import parts_of, text_of
from harness.gemini.models import generation
from harness.gemini.providers import is_chat
from harness.gemini.schemas.request_schema import field as field_of
from harness.judge.recorded import operation
from harness.model import Chunk, Exchange, Reply
from harness.text.jsontext import objects_in
from harness.text.names import snake

Object = dict[str, Any]


class Unsuited(Exception):
    """The mutation does not fit this exchange."""


def need(condition: object) -> None:
    """Raise Unsuited unless the condition holds."""
    if not condition:
        raise Unsuited


@dataclass
class Draft:
    """``body``: of the request; empty if it is not known. ``events`` are the JSON values of the answer: one for a unary answer. ``raw``: its bytes, where the mutation makes them itself. ``end``: what follows the events, as in a stream of chat completions."""

    exchange: Exchange
    random: Random
    body: Object
    events: list[Object]
    form: str
    status: int
    headers: Object = field(default_factory=dict)
    url: str = ""
    raw: bytes | None = None
    end: bytes = b""
    eol: str = "\r\n"

    @classmethod
    def of(cls, exchange: Exchange, random: Random) -> Draft:
        """Raises Unsuited for an answer that is not whole."""
        framed = framing.unframe(exchange)
        values = [event.value for event in framed.events]
        body, ends = exchange.request.body, [fault.rule for fault in framed.faults]
        need(isinstance(body, dict) and values and all(isinstance(value, dict) for value in values))
        end = b"data: [DONE]\n\n" * (is_chat(exchange.request.url) and framed.form == "sse")
        need(ends == [framing.DONE] * bool(end))
        body, values = pickle.loads(pickle.dumps((body, values)))  # a deepcopy that takes a tenth of the time
        return cls(
            exchange,
            random,
            body,
            values,
            framed.form,
            exchange.status,
            dict(exchange.headers),
            exchange.request.url,
            end=end,
        )

    def built(self) -> Exchange:
        """The exchange as it stands now."""
        raw = (self.bytes() if self.raw is None else self.raw) + self.end
        at = self.exchange.chunks[-1].at if self.exchange.chunks else 0.0
        content = json.dumps(self.body).encode() if self.body else b""
        request = replace(self.exchange.request, body=self.body or None, url=self.url, content=content)
        return replace(
            self.exchange, request=request, status=self.status, headers={**self.headers}, chunks=[Chunk(raw, at)]
        )

    def bytes(self) -> bytes:
        """The answer in the form in which it came."""
        if self.form == "sse":
            return "".join(f"data: {_dumped(value)}{self.eol * 2}" for value in self.events).encode(
                errors="surrogatepass"
            )
        return _dumped(self.events if self.form == "array" else self.events[0]).encode(errors="surrogatepass")

    # --- the request ----------------------------------------------------------------------------------

    @property
    def model(self) -> str:
        """As it was asked for."""
        return (operation(self.exchange.request) or ("", ""))[0]

    def ask(self, model: str) -> None:
        """Ask another model."""
        self.url = self.url.replace(quote(self.model), model)
        need(f"/{model}:" in self.url)

    @property
    def generation(self) -> tuple[int, int]:
        """Of the model that answered; (0, 0) if it is not known."""
        return generation(str(self.events[-1].get("modelVersion") or self.model)) or (0, 0)

    def get(self, *path: str) -> Any:
        """A field of the request in either spelling; None if it is absent."""
        return field_of(self.body, *path)

    def put(self, value: Any, *path: str) -> None:
        """Set a field of the request; None removes it."""
        into = self.body
        for name in path[:-1]:
            into = into.setdefault(name if snake(name) not in into else snake(name), {})
        into.pop(snake(path[-1]), None)
        into[path[-1]] = value
        if value is None:
            del into[path[-1]]

    def configure(self, **values: Any) -> None:
        """Set fields of ``generationConfig``; None removes one."""
        for name, value in values.items():
            self.put(value, "generationConfig", name)

    def declarations(self) -> list[Object]:
        """Every declared function."""
        tools = objects_in(self.get("tools"))
        return [
            one
            for tool in tools
            for one in objects_in(tool.get("functionDeclarations", tool.get("function_declarations")))
        ]

    def calling(self, mode: str, *allowed: str) -> None:
        """Set the mode of function calling."""
        names = {"allowedFunctionNames": list(allowed)} if allowed else {}
        self.body.pop("tool_config", None)
        self.put({"mode": mode, **names}, "toolConfig", "functionCallingConfig")

    # --- the answer -----------------------------------------------------------------------------------

    @property
    def reply(self) -> Reply:
        """The answer as it stands now, read as the product reads it."""
        return reply.read(self.built())

    @property
    def streams(self) -> bool:
        """Whether the answer is in several pieces."""
        return self.form in ("sse", "array")

    @property
    def usage(self) -> Object:
        """The counts of the last event."""
        found = self.events[-1].get("usageMetadata")
        need(isinstance(found, dict))
        assert isinstance(found, dict)
        return found

    def candidates(self) -> Iterator[Object]:
        """The first candidate of each event that has one."""
        for event in self.events:
            for candidate in objects_in(event.get("candidates")):
                if candidate.get("index", 0) == 0:
                    yield candidate

    @property
    def last(self) -> Object:
        """The candidate with the finish reason."""
        found = [candidate for candidate in self.candidates() if candidate.get("finishReason")]
        need(found)
        return found[-1]

    def stopped(self) -> None:
        """Raise Unsuited unless the answer is whole: HTTP 200, one candidate, STOP."""
        need(self.status == 200 and self.last.get("finishReason") == "STOP")
        need(all(len(event.get("candidates", ())) < 2 for event in self.events))

    def parts(self, kind: str, *, thought: bool = False) -> list[Object]:
        """The parts of a kind: of the answer, or of the thoughts."""
        every = (part for candidate in self.candidates() for part in parts_of(candidate))
        found = [part for part in every if part.get(kind) not in (None, "") and bool(part.get("thought")) is thought]
        need(found)
        return found

    def one(self, kind: str, *, thought: bool = False) -> Object:
        """One part of a kind."""
        return self.random.choice(self.parts(kind, thought=thought))

    def call(self) -> Object:
        """One function call, whole."""
        found: Object = self.one("functionCall")["functionCall"]
        need(found.get("name") and not found.get("partialArgs") and not found.get("willContinue"))
        return found

    @property
    def text(self) -> str:
        """The visible text of the first candidate."""
        return "".join(text_of(parts_of(candidate)) for candidate in self.candidates())

    def write(self, text: str) -> None:
        """Put this text in the place of the answer's text."""
        first, *others = self.parts("text")
        first["text"] = text
        for part in others:
            part["text"] = ""

    def carriers(self, kind: str) -> list[Object]:
        """The parents of every ``content`` that holds a part of a kind."""
        found = [
            one for one in self.candidates() if any(kind in part and not part.get("thought") for part in parts_of(one))
        ]
        need(found)
        return found

    def grounding(self, name: str) -> list[Object]:
        """The entries of a list of the grounding metadata."""
        found = [
            one
            for candidate in self.candidates()
            for one in objects_in((candidate.get("groundingMetadata") or {}).get(name))
        ]
        need(found)
        return found

    def recount(self, **counts: int) -> None:
        """Set counts and let the total agree with them. The details are left out, and the tier, beside which Google writes them."""
        usage = self.usage
        usage.update(counts)
        for name in ("candidatesTokensDetails", "promptTokensDetails", "serviceTier", "trafficType"):
            usage.pop(name, None)
        parts = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount")
        usage["totalTokenCount"] = sum(usage.get(name) or 0 for name in parts)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
