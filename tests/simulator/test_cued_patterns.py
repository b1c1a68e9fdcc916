"""The cues of a pattern deny no text in which it occurs."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.simulator import knowledge, style, thinking
from harness.simulator.cued_pattern import CuedPattern, cues

PATTERNS = {
    f"{module.__name__.rpartition('.')[2]}.{name} {number}": pattern
    for module in (knowledge, style, thinking)
    for name, value in vars(module).items()
    for number, pattern in enumerate(value if isinstance(value, tuple) else [value])
    if isinstance(pattern, CuedPattern)
}


def test_cues_are_words_in_lower_case_and_signs() -> None:
    assert cues("Is 5km/h 20% of my_TOP speed?") == {"is", "km", "h", "of", "my", "top", "speed", "/", "%"}


@pytest.mark.parametrize("name", PATTERNS)
def test_a_text_that_a_pattern_matches_has_a_cue(name: str) -> None:
    cued = PATTERNS[name]

    @settings(max_examples=settings().max_examples // 10, database=None, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(cued.pattern, alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
    def check(text: str) -> None:
        assert cued.search(text), f"no cue of {name} in {text!r}"

    check()
