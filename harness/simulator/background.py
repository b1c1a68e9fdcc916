"""What was written around a question and before it."""

from __future__ import annotations

from harness.simulator.function_results import in_words, responses
from harness.simulator.media_contents import documents
from harness.simulator.request import GAP, Ask, readable, texts


def background(ask: Ask) -> str:
    """What else a value may come from: documents, the results of calls, the rest of the turn, and earlier turns of the user, latest first."""
    parts = [part for content in reversed(ask.contents) for part in content.get("parts", ())]
    found = documents(parts) + [in_words(response) for response in responses(ask)]
    found += map(texts, ask.user_turns)
    return GAP.sub(
        "\n\n", readable("\n".join(dict.fromkeys(text for text in found if text.strip() and text != ask.question)))
    )
