"""Checks and invariants, found by their decorators: one small function each, in a file of ``checks/`` or ``invariants/``.

A check is a generator that yields the mismatches it finds. It passes if it yields none; an exception means that the check
itself is broken. Its name is the YAML key, the type of its second parameter makes the editor's schema (see ``shape``), and
its docstring is its page in the reference. A rule (an invariant) is the same without a parameter, and is checked on every answer.

The examples of a rule, ``right:`` and ``wrong:`` in its docstring, are JSON: an answer without what does not matter, a list of the
events of a stream, or ``{status, headers, body}``. ``asked:`` is the request, where that matters, with the ``model``, ``operation``
and ``stream`` of its address. A test judges them.

Checks and rules from other packages: an entry point in the group ``gemini_harness.checks`` that names a module.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from textwrap import dedent
from typing import Any, Literal, get_type_hints

from msgspec import Struct

from harness import extensions
from harness.model import Assessment, CheckFunction, Evidence, Question, RuleFunction
from harness.text.names import snake

RuleSeverity = Literal["error", "warn", "outcome"]
RuleDialect = Literal["gemini", "openai"] | None
RuleSubject = Literal["exchange", "answer", "finished"]
GENERATING = ("generateContent", "streamGenerateContent")
"""The operations whose answers most rules are about."""
SEVERAL_EVENTS = "several events"
"""What rules that compare events need, in the place of a field."""
FAILURE = "a failure"
"""The same, of rules about errors: a status that is not 200, or an error in the body."""
STREAM = "a stream"
"""The same, of rules about streams: a request or an answer that is one, or a fault of its framing."""


class Asking(Struct, frozen=True):
    """How a check asks a model.

    ``questions`` makes the questions about an answer from the check's parameter. ``value`` reads a number from the assessments; None
    if they have none. ``measure`` is the name of that number in reports. ``generates``: the model answers with texts, which may be as
    long as it allows.
    """

    questions: Callable[[Evidence, Any], Sequence[Question]]
    measure: str
    value: Callable[[Sequence[Assessment]], float | None]
    generates: bool = True


class Check(Struct, frozen=True):
    """A registered check."""

    name: str
    function: CheckFunction
    doc: str
    asking: Asking | None = None

    @property
    def parameter(self) -> Any:
        """The annotation of the second argument: what the suite may write under this key."""
        hints = get_type_hints(self.function, include_extras=True)
        return next(hint for name, hint in hints.items() if name not in ("evidence", "return"))

    @property
    def prose_and_examples(self) -> tuple[str, str]:
        """The parts of the docstring. The examples begin at the first line that starts with the check's key."""
        from inspect import cleandoc

        lines = cleandoc(self.doc).splitlines()
        begin = next((at for at, line in enumerate(lines) if line.lstrip().startswith(f"{self.name}:")), len(lines))
        return "\n".join(lines[:begin]).strip(), dedent("\n".join(lines[begin:]))

    @property
    def page(self) -> str:
        """The docstring, with its examples as a YAML block."""
        prose, examples = self.prose_and_examples
        return f"{prose}\n\n```yaml\n{examples}\n```"


class Rule(Struct, frozen=True):
    """A registered invariant. ``of_bytes`` rules do not apply to bodies that another tool normalised, ``of_events`` rules, about the
    events of a stream and the headers, not to an answer that is known only merged.

    ``of``: what it is about: any ``exchange``, an ``answer`` (a 200 without an error), or one that is ``finished``, that is, ended with
    STOP: any other end is an outcome, which another rule reports. It is not asked of others.

    A violation of an ``outcome`` rule is an error in a trial that does not expect it, and not a finding in ``audit``. ``dialect``:
    the only one whose answers it is about, ``gemini`` or ``openai`` (chat completions); None: both. ``per_candidate`` rules are about
    one candidate, and judge every candidate of an answer. ``needs``: the rule finds nothing where neither the request nor the merged
    answer has one of these fields, in either spelling, and is not asked there; empty: it is always asked. ``SEVERAL_EVENTS``: nor where
    the answer came in one. ``FAILURE``: nor where it is a 200 without an error. ``STREAM``: nor where none was asked for or came. The
    name of an operation: nor where another is called. ``any_call``: it is also about other calls than those
    that generate. ``is_cause``: its violation explains why checks fail too, so its verdicts come first. ``stated_by``: the checks
    that state what is expected instead of it.
    """

    id: str
    function: RuleFunction
    severity: RuleSeverity
    of: RuleSubject = "exchange"
    of_bytes: bool = False
    dialect: RuleDialect = None
    per_candidate: bool = False
    of_events: bool = False
    needs: frozenset[str] = frozenset()
    any_call: bool = False
    is_cause: bool = False
    stated_by: frozenset[str] = frozenset()

    @property
    def doc(self) -> str:
        """The text of the docstring, without its examples."""
        return _split(self.function)[0]

    @property
    def examples(self) -> Mapping[str, str]:
        """``asked``, ``right`` and ``wrong``, as far as the docstring has them."""
        return _split(self.function)[1]


_checks: dict[str, Check] = {}
_rules: dict[str, Rule] = {}


def check(name: str, asking: Asking | None = None) -> Callable[[CheckFunction], CheckFunction]:
    """Register a check under its YAML key. Raises ValueError if the name is taken."""

    def register(function: CheckFunction) -> CheckFunction:
        if name in _checks:
            raise ValueError(f"two checks are called {name!r}")
        _checks[name] = Check(name, function, (function.__doc__ or "").strip(), asking)
        return function

    return register


def rule(
    id: str, severity: RuleSeverity, *, needs: str | Sequence[str] = (), stated_by: Sequence[str] = (), **kind: Any
) -> Callable[[RuleFunction], RuleFunction]:
    """Register an invariant under its stable id. ``kind``: other fields of `Rule`. Raises ValueError if the id is taken."""

    def register(function: RuleFunction) -> RuleFunction:
        if id in _rules:
            raise ValueError(f"two rules are called {id!r}")
        names = (needs,) if isinstance(needs, str) else needs
        fields = frozenset((*names, *map(snake, names)))
        _rules[id] = Rule(id, function, severity, needs=fields, stated_by=frozenset(stated_by), **kind)
        return function

    return register


def _split(function: RuleFunction) -> tuple[str, dict[str, str]]:
    """The text of a rule's docstring, and its examples by their label."""
    from inspect import cleandoc

    docstring = cleandoc(function.__doc__ or "")
    text, *rest = re.split(r"^(asked|right|wrong): *", docstring, flags=re.MULTILINE)
    return text.strip(), {label: example.strip() for label, example in zip(rest[::2], rest[1::2], strict=True)}


@cache
def _load() -> None:
    """Import our checks and invariants, and those of other packages."""
    for name in ("harness.judge.checks", "harness.judge.invariants"):
        package = importlib.import_module(name)
        for module in extensions.modules_in(package.__path__):
            importlib.import_module(f"{name}.{module}")
    extensions.load("checks")


def find_check(name: str) -> Check | None:
    """The check with that YAML key; None if there is none."""
    _load()
    return _checks.get(name)


def all_checks() -> Mapping[str, Check]:
    """Every check by name, those of other packages included."""
    _load()
    return _checks


def all_rules() -> Mapping[str, Rule]:
    """Every invariant by id, in order of registration, those of other packages included."""
    _load()
    return _rules


def names_like(name: str) -> tuple[str, ...]:
    """Every name of a verdict of the same kind: of invariants if ``name`` starts with ``invariant:``, else of checks."""
    if name.startswith("invariant:"):
        return tuple(f"invariant:{rule}" for rule in all_rules())
    return tuple(all_checks())
