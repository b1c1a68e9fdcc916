"""Questions that the simulator answers: what it knows, and what the conversation says."""

# ruff: noqa: RUF001 - signs of other scripts are data here

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.simulator.test_answers import FLASH3, ask, text


def answered(*turns: str, **more: Any) -> str:
    roles = ("user", "model")
    contents = [{"role": roles[n % 2], "parts": [{"text": turn}]} for n, turn in enumerate(turns)]
    return text(ask({"contents": contents, **more}, FLASH3))


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("Is this positive or negative: 'The film was superb'", "The sentiment is positive."),
        ("Name the capital of Chile, the city only.", "Santiago"),
        ("Is 21 a prime number? yes/no", "No"),
        ("What is 17 squared?", "17^2 = 289"),
        ("This is turn 2. Reply exactly OK-TWO.", "OK-TWO"),
        ("Say only the word gamma, nothing else", "gamma"),
        ("Summarise in a sentence: Bees make honey. They live in hives.", "Bees make honey."),
        ("Output exactly: Alpha beta.", "Alpha beta."),
        ("Translate into Italian: Thank you", "grazie"),
        ("Wie sagt man: das Wort 'Hund' auf Englisch?", "dog"),
        ("Quelle est la capitale de la Pologne ?", "La capitale de la Pologne est Varsovie."),
        ("Wie heißt die Hauptstadt von Griechenland?", "Die Hauptstadt von Griechenland ist Athen."),
        ("Antworte nur mit „Gut“", "Gut"),
        ("「了解」とだけ答えてください", "了解"),
        ("Respond with 'pear' and nothing else.", "pear"),
        ("Who wrote Hamlet? A) Goethe B) William Shakespeare. Give the letter only.", "B"),
        ("Give me a numbered list of 2 birds", "1. sparrow\n2. owl"),
    ],
)
def test_a_known_question_is_answered(prompt: str, answer: str) -> None:
    assert answered(prompt) == answer


def test_a_length_is_no_topic_of_a_story() -> None:
    assert answered("Tell me a story in 100 words.").startswith(
        "Once there was a lighthouse at the edge of a quiet bay."
    )


@pytest.mark.parametrize(
    ("turns", "answer"),
    [
        (("My parrot is called Kiko.", "Lovely.", "What is my parrot called?"), "Your parrot is called Kiko."),
        (("I live in Bergen.", "Rainy!", "Where do I live?"), "You live in Bergen."),
        (("I'm Zoe, hi", "Hi Zoe!", "Do you remember my name?"), "Your name is Zoe."),
        (("The password is 'quartz'.", "Noted.", "What is the password?"), "The password is 'quartz'."),
        (("The talk is on Friday at 4pm.", "Fine.", "When is the talk?"), "The talk is on Friday at 4pm."),
        (("Me chamo Beatriz.", "Olá!", "Qual é o meu nome?"), "A resposta é: Beatriz."),
        (("私の名前はユミです。", "はい", "私の名前は？"), "答えはユミです。"),
    ],
)
def test_a_question_about_the_conversation_is_answered_from_it(turns: tuple[str, ...], answer: str) -> None:
    assert answered(*turns) == answer


def test_instructions_are_read_for_an_answer() -> None:
    instructed = {"systemInstruction": {"parts": [{"text": "You are Orla. If someone asks, the gate number is 58."}]}}
    assert answered("What is the gate number?", **instructed) == "The gate number is 58."
    assert answered("What's your name?", **instructed) == "I am Orla."


def test_instructions_to_translate_are_followed() -> None:
    instructed = {
        "systemInstruction": {"parts": [{"text": "You translate what the user writes from English to Spanish."}]}
    }
    assert answered("Thank you", **instructed) == "gracias"
    assert answered("Where are the keys of my car", **instructed).startswith("La respuesta es")


def test_what_nobody_wrote_is_not_known() -> None:
    assert "simulated" in answered("My cat is Momo.", "Sweet.", "What is my brother called?")


def test_bullet_points_are_as_many_as_asked_for() -> None:
    assert answered("Describe the firm Initech in 3 bullet points").count("* ") == 3


def test_a_schema_without_a_keyword_is_read_as_a_model_would() -> None:
    inner = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
    config = {"responseMimeType": "application/json", "responseJsonSchema": {"name": "Form", "parameters": inner}}
    assert json.loads(answered("I am Nils and 44 years old", generationConfig=config)) == {"name": "Nils", "age": 44}


def test_a_name_that_is_spelled_as_a_number_is_none() -> None:
    assert "11" not in text(ask("What do Otto plus 3 others need?"))
