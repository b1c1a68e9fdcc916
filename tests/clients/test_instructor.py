"""instructor with google-genai 2: classes from forced calls and JSON mode, with a second attempt after failed validation."""

from __future__ import annotations

from typing import Any

import instructor
import pytest
from google import genai
from pydantic import BaseModel


class Invoice(BaseModel):
    number: str
    total: float


def ask(url: str, model: str, mode: Any, prompt: str, **more: Any) -> Any:
    client = genai.Client(api_key="simulated", http_options={"base_url": url})
    patched = instructor.from_genai(client, mode=mode)
    messages = [{"role": "user", "content": prompt}]
    return patched.chat.completions.create(model=model, messages=messages, response_model=Invoice, **more)


@pytest.mark.parametrize("mode", [instructor.Mode.TOOLS, instructor.Mode.JSON])
def test_a_class_is_filled(url: str, model: str, mode: Any) -> None:
    assert ask(url, model, mode, "Invoice INV-7. Total: 118.40 EUR.").total == pytest.approx(118.40)


def test_faults_are_raised(url: str, model: str) -> None:
    with pytest.raises(Exception, match="503 UNAVAILABLE"):
        ask(url, model, instructor.Mode.JSON, "hi [simulate: fault 503]", max_retries=1)
