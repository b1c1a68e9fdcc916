"""Images, sound and documents in the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from harness.gemini import media
from harness.judge.predicates import NumberPredicate, NumberWords, TextPredicate, counting, differs
from harness.judge.registry import check
from harness.model import Evidence, Mismatch


class InlineWords(NumberWords, total=False):
    """How many files, and what each of them is."""

    mimeType: Annotated[TextPredicate, "the declared type"]  # noqa: N815  the wire's word
    bytes: Annotated[NumberPredicate, "its size, decoded"]
    magic: Annotated[bool, "its first bytes agree with the declared type"]


@check("inlineData")
def inline_data(evidence: Evidence, expected: NumberPredicate | InlineWords) -> Iterator[Mismatch]:
    """Files in the answer: how many (at least one, without a number), and what each of them is.

    Drafts, which are thoughts, do not count.

    inlineData: {mimeType: {starts_with: image/}, bytes: {min: 10000}, magic: true}
    inlineData: 0
    """
    count, words = counting(expected, {"min": 1})
    found = evidence.reply.inline_data
    yield from differs("inlineData (count)", len(found), count)
    for index, file in enumerate(found):
        at = f"inlineData[{index}]"
        if "mimeType" in words:
            yield from differs(f"{at}.mimeType", media.mime_type(file), words["mimeType"])
        if "bytes" in words:
            yield from differs(f"{at} (bytes)", len(media.content(file) or b""), words["bytes"])
        if words.get("magic") and (seen := media.mismatched_type(file)):
            declared = media.mime_type(file)
            yield Mismatch(at, declared, seen, f"expected bytes of {declared}, as declared, got {seen}")
