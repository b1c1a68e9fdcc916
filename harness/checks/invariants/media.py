"""Media: the bytes are what their type says, and the modality that was asked for came."""

from __future__ import annotations

from collections.abc import Iterator

from harness import media
from harness.checks import rule
from harness.checks.invariants.asked import each, field, is_finished
from harness.model import Evidence, Mismatch


@rule("inline-mime", "error")
def inline_mime(evidence: Evidence) -> Iterator[Mismatch]:
    """The first bytes of inline data agree with its ``mimeType``, for the types that can be told."""
    for index, blob in enumerate(evidence.reply.inline_data):
        if blob.get("data") and (found := media.other_kind(blob)) is not None:
            declared = media.mime_type(blob)
            message = f"mimeType is {declared}, the bytes are {found}"
            yield Mismatch(f"inlineData[{index}].mimeType", found, declared, message)


@rule("modality", "warn")
def modality(evidence: Evidence) -> Iterator[Mismatch]:
    """A requested IMAGE or AUDIO modality yields such a part."""
    if not is_finished(evidence):
        return
    kinds = {media.mime_type(blob).partition("/")[0].upper() for blob in evidence.reply.inline_data}
    for wanted in each(field(evidence.request_body, "generationConfig", "responseModalities")):
        if str(wanted).upper() in ("IMAGE", "AUDIO") and str(wanted).upper() not in kinds:
            yield Mismatch("inlineData", wanted, sorted(kinds), f"{wanted} was asked for, none came")
