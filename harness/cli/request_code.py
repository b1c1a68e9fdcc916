"""A request as code for google-genai, in Python and JavaScript, which sends the same body.

What the SDK's configuration has a field for stands there. The rest is put into the body as it is (``extra_body``). The SDK writes
some keys with underscores, and bytes in the alphabet for addresses; both are the same in proto3's JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import indent
from typing import Any

from harness.errors import UsageError
from harness.gemini.providers import SIMULATOR_URL, Provider
from harness.model import Json, Request
from harness.text.jsontext import an_object
from harness.text.names import snake

SETTINGS = frozenset((
    *("audioTimestamp", "candidateCount", "frequencyPenalty", "imageConfig", "logprobs", "maxOutputTokens"),
    *("mediaResolution", "presencePenalty", "responseJsonSchema", "responseLogprobs", "responseMimeType"),
    *("responseModalities", "seed", "speechConfig", "stopSequences", "temperature", "thinkingConfig", "topK", "topP"),
))  # fmt: skip
"""Fields of ``generationConfig`` that are fields of the SDK's ``GenerateContentConfig``. A ``responseSchema`` is none of them: the SDK
changes schemas."""
_TEXTS = ("responseMimeType", "mediaResolution")
FIELDS = frozenset(("cachedContent", "labels", "safetySettings", "systemInstruction"))
"""Fields of the body that are fields of the SDK's configuration too. ``tools`` and ``toolConfig`` are none of them: the SDK changes them."""
WIDTH = 100


def python(request: Request, provider: Provider) -> str:
    """A script that asks with google-genai for Python. Raises UsageError for a request that the SDK cannot send."""
    base, version = _address(provider)
    contents, config = _parts(request, "extra_body")
    config = {snake(name): value for name, value in config.items()}
    stream, key = request.transport == "stream", _key(provider)
    imports = "import os\n\n" if key is None else ""
    settings = f"    config={_literal(config)},\n" if config else ""
    return f"""\
{imports}from google import genai

client = genai.Client(
    api_key={_of_environment(provider) if key is None else json.dumps(key)},
    http_options={_literal({"base_url": base, "api_version": version})},
)
{"chunks" if stream else "response"} = client.models.generate_content{"_stream" if stream else ""}(
    model={json.dumps(request.model)},
    contents={_literal(contents)},
{settings})
{_PRINTS_CHUNKS if stream else "print(response.model_dump_json(exclude_none=True, indent=2))"}
"""


_PRINTS_CHUNKS = """\
for chunk in chunks:
    print(chunk.text or "", end="")"""


def javascript(request: Request, provider: Provider) -> str:
    """A module (``.mjs``) that asks with ``@google/genai``. Raises UsageError for a request that the SDK cannot send."""
    base, version = _address(provider)
    contents, config = _parts(request, "extraBody")
    stream, key = request.transport == "stream", _key(provider)
    asked = {"model": request.model, "contents": contents, **({"config": config} if config else {})}
    shown = json.dumps(key) if key is not None else " ?? ".join(f"process.env.{name}" for name in _variables(provider))
    options = json.dumps({"baseUrl": base, "apiVersion": version})
    prints = 'for await (const chunk of chunks) process.stdout.write(chunk.text ?? "");'
    return f"""\
import {{ GoogleGenAI }} from "@google/genai";

const ai = new GoogleGenAI({{ apiKey: {shown}, httpOptions: {options} }});
const {"chunks" if stream else "response"} = await ai.models.generateContent{"Stream" if stream else ""}({json.dumps(asked, indent=2, ensure_ascii=False)});
{prints if stream else "console.log(JSON.stringify(response, null, 2));"}
"""


def _address(provider: Provider) -> tuple[str, str]:
    """Base URL and version as the SDK takes them. Raises UsageError for a provider at another path, or with another header."""
    prefix = re.fullmatch(r"(.*)/(\w+)/models/\{model\}:\{method\}", provider.path)
    if not prefix:
        raise UsageError(f"provider {provider.name}: google-genai cannot send to the path {provider.path}; curl can")
    if provider.auth == "bearer":
        raise UsageError(
            f"provider {provider.name}: google-genai sends its key as x-goog-api-key, not as bearer; curl can"
        )
    return provider.base_url.rstrip("/") + prefix[1], prefix[2]


def _parts(request: Request, extra: str) -> tuple[Json, dict[str, Json]]:
    """The contents, and the configuration with ``extra`` for what has no field. Raises UsageError for another call of the API."""
    body = request.body
    if not isinstance(body, Mapping) or "contents" not in body or not re.search(r"enerateContent\b", request.url):
        raise UsageError("this trial begins with another call than generateContent; curl shows it")
    if not body["contents"]:
        raise UsageError("google-genai sends nothing without contents; curl does")
    settings = an_object(body.get("generationConfig"))
    config = {name: value for name, value in settings.items() if _fits(name, value)}
    config |= {name: value for name, value in body.items() if name in FIELDS}
    rest = {name: value for name, value in settings.items() if name not in config}
    others = {name: value for name, value in body.items() if name not in {"contents", "generationConfig", *FIELDS}}
    others |= {"generationConfig": rest} if rest or (not settings and "generationConfig" in body) else {}
    option = "http_options" if extra == "extra_body" else "httpOptions"
    return body["contents"], config | ({option: {extra: others}} if others else {})


def _fits(name: str, value: Json) -> bool:
    """Whether the SDK has a field for it, and takes the value, also one that the API refuses."""
    return name in SETTINGS and value is not None and (name in _TEXTS or not isinstance(value, str))


def _variables(provider: Provider) -> tuple[str, ...]:
    return tuple(provider.keys) or ("GEMINI_API_KEY",)


def _key(provider: Provider) -> str | None:
    """A key that is none; None where the environment holds it."""
    return provider.key or ("none" if provider.auth == "none" else None)


def _of_environment(provider: Provider) -> str:
    first, *more = _variables(provider)
    found = f"os.environ[{json.dumps(more[-1] if more else first)}]"
    return f"os.environ.get({json.dumps(first)}) or {found}" if more else found


def note(provider: Provider) -> Iterator[str]:
    """What to do where the address stands for a simulator that a run starts."""
    if provider.base_url.startswith(SIMULATOR_URL):
        yield f"{SIMULATOR_URL} stands for a simulator that a run starts; `gemini-harness simulate` starts one and prints its address"


def _literal(value: Any) -> str:
    """The value as Python, a line for each item where one line would be too long; to stand in a call."""
    from rich.pretty import pretty_repr

    return indent(pretty_repr(value, max_width=WIDTH - 4), "    ").lstrip()
