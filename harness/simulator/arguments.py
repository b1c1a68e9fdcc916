"""The arguments of a function call: from the prompt where it has them, else any values that the schema accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.simulator.mentions import mentions
from harness.simulator.prompt_reading import ValuePlace, ValueSource, kinds_of
from harness.simulator.schema_resolution import first_type, resolved
from harness.simulator.seed import Seed
from harness.simulator.structured import value_for_schema


def parameters(declaration: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a declaration's arguments: ``parametersJsonSchema`` or ``parameters``."""
    found = declaration.get("parametersJsonSchema") or declaration.get("parameters") or {}
    return found if isinstance(found, Mapping) else {}


def build_calls(declaration: Mapping[str, Any], text: str, earlier: str, seed: Seed) -> list[dict[str, Any]]:
    """The calls of one function: one for each place that the text names, if the function takes a single place; else one.

    ``earlier`` is what the user and the functions wrote before; it is read if ``text`` gives none of the arguments.
    """
    schema = parameters(declaration)
    places = [str(mention.value) for mention in mentions("place", text)]
    main = [name for name, inner in _properties(schema).items() if _is_place(name, inner, schema)]
    if len(main) == 1 and len(places) > 1:
        return [_call(declaration, schema, _only(text, place, places), earlier, seed) for place in places]
    return [_call(declaration, schema, text, earlier, seed)]


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _is_place(name: str, inner: Any, root: Mapping[str, Any]) -> bool:
    """Whether a parameter is a single place."""
    if not isinstance(inner, Mapping) or first_type(resolved(inner, root)) != "string":
        return False
    return kinds_of(ValuePlace(root, name))[:1] == ("place",)


def _only(text: str, place: str, places: Sequence[str]) -> str:
    """The text with one of its places."""
    for other in places:
        text = text.replace(other, place) if other != place and other not in place else text
    return text


def _call(
    declaration: Mapping[str, Any], schema: Mapping[str, Any], text: str, earlier: str, seed: Seed
) -> dict[str, Any]:
    return {"name": declaration.get("name", ""), "args": _arguments(schema, text, earlier, seed)}


def _arguments(schema: Mapping[str, Any], text: str, earlier: str, seed: Seed) -> dict[str, Any]:
    """The required arguments, and the optional ones that the text gives. Without required ones and without any given, all of them."""
    if not _properties(schema) and not schema.get("required"):
        return {}
    args = value_for_schema(schema, ValueSource.of(text, seed, given=True))
    if earlier and not gives(schema, text, seed):
        args = value_for_schema(schema, ValueSource.of(f"{text}\n{earlier}", seed, given=True))
    if not args and not schema.get("required"):
        args = value_for_schema(schema, ValueSource.of(text, seed))
    return args if isinstance(args, dict) else {}


def gives(schema: Mapping[str, Any], text: str, seed: Seed) -> bool:
    """Whether the text gives one of the arguments."""
    return bool(_given(schema, text, seed))


def gives_all(declaration: Mapping[str, Any], text: str, seed: Seed) -> bool:
    """Whether the text gives all required arguments (all, if none is required), and there is one that is not the question itself."""
    schema = parameters(declaration)
    wanted = set(schema.get("required") or _properties(schema))
    found = _given(schema, text, seed)
    return (
        bool(wanted)
        and wanted <= set(found)
        and any(kinds_of(ValuePlace(schema, name)) or not isinstance(found[name], str) for name in wanted)
    )


def _given(schema: Mapping[str, Any], text: str, seed: Seed) -> Mapping[str, Any]:
    found = value_for_schema({**schema, "required": []}, ValueSource.of(text, seed, given=True))
    return found if isinstance(found, dict) else {}
