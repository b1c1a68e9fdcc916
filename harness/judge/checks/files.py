"""Files in the answer: images, sound and documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from harness.gemini import media
from harness.judge.predicates import NumberPredicate, NumberWords, TextPredicate, differs, split_count
from harness.judge.registry import check
from harness.model import Evidence, Mismatch


class InlineWords(NumberWords, total=False):
    """How many files there are, and what each file must be."""

    mimeType: Annotated[TextPredicate, "the declared type"]  # noqa: N815  the wire's word
    bytes: Annotated[NumberPredicate, "the size of the decoded file, in bytes"]
    magic: Annotated[bool, "true: the first bytes agree with the declared type"]


@check("inlineData")
def inline_data(evidence: Evidence, expected: NumberPredicate | InlineWords) -> Iterator[Mismatch]:
    """The files in the answer (``inlineData`` parts).

    A number is how many files there are (at least one, if none is given). Every file must have the given fields. Draft
    images, which are thoughts, do not count.

        inlineData: {mimeType: {starts_with: image/}, bytes: {min: 10000}, magic: true}
        inlineData: 0
    """
    count, words = split_count(expected, {"min": 1})
    found = evidence.reply.inline_data
    yield from differs("inlineData (count)", len(found), count)
    for index, file in enumerate(found):
        at = f"inlineData[{index}]"
        if "mimeType" in words:
            yield from differs(f"{at}.mimeType", media.mime_type(file), words["mimeType"])
        if "bytes" in words:
            yield from differs(f"{at} (bytes)", len(media.content(file) or b""), words["bytes"])
        if words.get("magic") and (found_kind := media.mismatched_type(file)):
            declared = media.mime_type(file)
            yield Mismatch(at, declared, found_kind, f"expected bytes of {declared}, as declared, got {found_kind}")
