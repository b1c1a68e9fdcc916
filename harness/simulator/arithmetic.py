"""Nested arithmetic with functions for its operations: one call at a time, from the inside out."""

# ruff: noqa: RUF001 - a sign of multiplication is data here

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.simulator.arguments import parameters
from harness.simulator.function_choice import OPERATIONS, Declaration, name_stems
from harness.simulator.function_results import words_of_result
from harness.simulator.mentions import mentions
from harness.simulator.request import Ask
from harness.simulator.schema_resolution import first_type, resolved_properties

_SIGNS: Mapping[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_FIGURE = re.compile(r"-?\d+(?:\.\d+)?")
_Step = tuple[str, float, float]
"""The stem of an operation and its two operands."""


def chained(ask: Ask, offered: Sequence[Declaration], prompt: str) -> list[dict[str, Any]] | None:
    """The next call of a chain; none when the chain has ended. None if the prompt has no expression of several operations, or no function
    for one of them."""
    tree = _tree(prompt)
    if tree is None:
        return None
    functions = {stem: one for one in offered for stem in name_stems(one) & set(OPERATIONS.values())}
    wanted = [OPERATIONS[_SIGNS[type(node.op)]] for node in ast.walk(tree) if isinstance(node, ast.BinOp)]
    if len(wanted) < 2 or not all(stem in functions and len(_numbers(functions[stem])) == 2 for stem in wanted):
        return None
    step = next(_open(tree, _computed(ask, functions)), None)
    return [] if step is None else [_call(functions[step[0]], step)]


def _tree(prompt: str) -> ast.expr | None:
    for mention in mentions("expression", prompt):
        spelled = str(mention.value).replace("×", "*").replace("÷", "/").strip()
        try:
            balanced = spelled + ")" * (spelled.count("(") - spelled.count(")"))
            tree = ast.parse(balanced, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if all(type(node.op) in _SIGNS for node in ast.walk(tree) if isinstance(node, ast.BinOp)):
            return tree
    return None


def _call(declaration: Declaration, step: _Step) -> dict[str, Any]:
    whole = [int(value) if float(value).is_integer() else value for value in step[1:]]
    return {"name": declaration.get("name", ""), "args": dict(zip(_numbers(declaration), whole, strict=True))}


def _numbers(declaration: Declaration) -> list[str]:
    """The names of the parameters that are numbers."""
    schema = parameters(declaration)
    properties = resolved_properties(schema, schema)
    return [name for name, inner in properties.items() if first_type(inner) in ("integer", "number")]


def _computed(ask: Ask, functions: Mapping[str, Declaration]) -> dict[_Step, float]:
    """The steps that were called, with their results."""
    calls = [part["functionCall"] for part in ask.parts if "functionCall" in part]
    results = [part["functionResponse"] for part in ask.parts if "functionResponse" in part]
    stems = {str(one.get("name")): stem for stem, one in functions.items()}
    found = {}
    for call, result in zip(calls, results, strict=False):
        values = [value for value in (call.get("args") or {}).values() if isinstance(value, int | float)]
        figure = _FIGURE.search(words_of_result(result))
        if len(values) == 2 and figure and (stem := stems.get(str(call.get("name")))):
            found[stem, float(values[0]), float(values[1])] = float(figure[0])
    return found


def _open(node: ast.expr, done: Mapping[_Step, float]) -> Iterator[_Step]:
    """The steps that are not computed and whose operands are known, in the order of the expression."""
    if isinstance(node, ast.BinOp):
        yield from _open(node.left, done)
        yield from _open(node.right, done)
        step = _step(node, done)
        if step and step not in done:
            yield step


def _step(node: ast.BinOp, done: Mapping[_Step, float]) -> _Step | None:
    left, right = _known(node.left, done), _known(node.right, done)
    return None if left is None or right is None else (OPERATIONS[_SIGNS[type(node.op)]], left, right)


def _known(node: ast.expr, done: Mapping[_Step, float]) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _known(node.operand, done)
        return None if value is None else -value
    if isinstance(node, ast.BinOp):
        step = _step(node, done)
        return done.get(step) if step else None
    return float(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else None
