"""Healthy answers that look like faults: no rule speaks about what people ask for every day."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model import Exchange
from tests.exchanges import chunk
from tests.judge.test_invariants import broken, stream, unary

USAGE = {"promptTokenCount": 12, "candidatesTokenCount": 40, "totalTokenCount": 52}

TEXTS = {
    "quotation": ("A quotation of a guest for my bakery", '"I come every Saturday, and the cardamom buns are still the best part of my week. The staff know us all by name, and the coffee is great too. Nobody in town bakes like them!"'),
    "block quotation": ("Show me a passage", "> Call me Ishmael. Some years ago\n> having little money in my purse\n> I thought I would sail about\n> and see the watery part of the world."),
    "codes": ("What do the states mean?", "0: Inactive\n1: Active\n2: Suspended"),
    "primes": ("List the first 40 primes", str([n for n in range(2, 174) if all(n % m for m in range(2, n))])),
    "drawing": ("A circle for my page, as vector", '<svg viewBox="0 0 9 9"><circle cx="4" cy="4" r="4"/></svg>'),
    "settings": ("Empty settings for the service", "HOST=\nPORT=\nUSER=\n"),
    "stars": ("6 factorial, step by step", "6 \\* 5 = 30, 30 \\* 4 = 120, 120 \\* 3 = 360 and 360 \\* 2 = 720."),
    "keywords": ("Keywords on insurance", "rechtsschutzversicherung,krankenversicherung,lebensversicherung,haftpflichtversicherung"),
    "sparkline": ("Temperatures as one line", "Mon to Sun: ▅▆▂▁▁▃▁▂▁▄"),
    "slug": ("A slug for my post on bread", "how-to-bake-the-perfect-sourdough-bread-at-home-this-winter"),
    "headline": ("A headline on the landing", "MEN WALK ON MOON: ASTRONAUTS LAND, COLLECT ROCKS, PLANT AMERICAN FLAG TODAY"),
    "small letters": ("hey whats good", "not much honestly, just chilling at home with my cat and some music, how about you?"),
    "answer key": ("Solution of the quiz", "A B D C A A C B D D A C B A C D B B A C D A C B"),
    "continued": ("Once upon a time there was a king who", "ruled a small kingdom. He had three daughters. One day a ship came."),
    "heading": ("The future of remote work in Europe", "The future of remote work in Europe\n\nRemote work is here to stay, in one form or another."),
    "names": ("איפה הקבצים?", "הקובץ \u200eREADME.md\u200e כאן, לידו \u200eLICENSE\u200e וגם \u200esetup.py\u200e."),
    "French": ("on mange quoi ce soir ?", "tu veux quoi ? une pizza ou des sushis ? si sushis je commande. et toi ? un dessert ou pas ? dis moi"),
    "chat": ("what????", "no way?????? really??????? you must be joking??????"),
    "exception": ("What does int('a') raise?", "ValueError: invalid literal for int() with base 10: 'a'"),
    "refused": ("What is ECONNREFUSED?", "Connection refused means that nothing listens at that address. Start the server."),
    "key": ("How do I sign in to the service?", "Your API key goes into the header. Create one in the dashboard."),
    "content warning": ("A dark story", "[Content warning: death]\n\nThe house smelled of lilies. Nobody opened the windows."),
    "balance": ("An SMS about a low balance", "Your balance is too low to make calls. Top up at any kiosk. Acme Mobile"),
    "discount": ("Where are cheap tickets?", "Book early.\n\nStudents get a 25 % discount at https://www.rail.example/ with a card."),
    "bill": ("My bill", "Here it is:\n\n- Coffee: 4.50\n- Discount: 0.50\n- Total: 4.00"),
    "reused letter": ("A rejection I can reuse", "Dear <NAME>,\n\nCall <PHONE> or write to <EMAIL>.\n\nKind regards."),
    "censored": ("What did he shout?", "He shouted what the f***, this is s***, then d*** it and b***, and left."),
    "filler": ("Filler text for my poster", "Lorem ipsum dolor sit amet, consectetur adipiscing elit."),
    "done": ("Which chores are finished?", "Laundry [DONE]\nGarden [OPEN]\nCar wash\n[DONE]"),
    "call": ("A support call", "Agent: Hello.\nHuman: My phone is broken.\nAI: Please restart it."),
    "mojibake": ("Why does my page show Itâ€™s?", "The bytes of \u2019 are read as Windows-1252, which makes â€™ of them. Serve the page as UTF-8."),
    "U+FFFD": ("What are the black diamonds?", "They are U+FFFD, �, which stands for bytes that could not be read."),
    "long fence": ("How do I open a block of Python in Markdown?", "Write this:\n\n````\n```python\n````\n\nand end the block with three backticks."),
    "disclaimer": ("A warranty disclaimer", 'THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED.'),
    "placeholder text": ("lorem for a card", "Lorem ipsum dolor sit amet."),
    "completed": ("Q: Where is Oslo?\nA: In Norway.\nQ: And Bergen?\nA:", " In Norway too. It lies on the west coast."),
    "bullets": ("Why visit?", "- The fjord is large. It has many islands and a long coast with beaches\n- The museums are close. Most of them stand together on a small peninsula"),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_people_ask_for_is_no_fault(name: str) -> None:
    prompt, text = TEXTS[name]
    asked = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
    assert broken(unary(chunk({"text": text}, finish="STOP", usageMetadata=USAGE), asked)) == {}


def test_an_instruction_at_the_end_of_a_long_one_is_read() -> None:
    """It wants capitals, so capitals are right."""
    told = "Be polite, and never speak of shares. " * 40 + "Write everything in upper case."
    asked = {"systemInstruction": {"parts": [{"text": told}]}, "contents": [{"parts": [{"text": "My card?"}]}]}
    text = "THE CARD IS BLOCKED NOW, SO PLEASE CALL THE NUMBER PRINTED ON ITS BACK."
    assert not broken(unary(chunk({"text": text}, finish="STOP"), asked)).keys() & {"text-form"}


def _called(**args: Any) -> Exchange:
    tools = [{"functionDeclarations": [{"name": "find", "parameters": {"type": "OBJECT"}}]}]
    return unary(chunk({"functionCall": {"name": "find", "args": args}}, finish="STOP"), {"tools": tools})


@pytest.mark.parametrize("args", [{"pattern": "*"}, {"type": "string"}, {"tag": "<div>"}, {"title": "", "body": ""}])
def test_an_argument_may_be_a_wildcard_a_type_a_tag_or_empty(args: dict[str, Any]) -> None:
    assert "missing-value" not in broken(_called(**args))


def test_arguments_that_nobody_filled_in_are_noticed() -> None:
    assert "missing-value" in broken(_called(city="string", country="string"))


def _lines(*pieces: str) -> Exchange:
    return stream(*[chunk({"text": one}, finish="STOP" if one == pieces[-1] else None) for one in pieces])


@pytest.mark.parametrize(
    "pieces",
    [
        ("server {\n", "    listen 80;\n", "    root /srv;\n", "}"),
        ("name,age,city,home town\n", "Anna,34,", "Oslo,old town\nOle,35,Bergen,new town"),
        tuple("if a:\n        b = 1\n        c = 2"),
    ],
)
def test_the_events_of_code_and_tables_may_end_anywhere(pieces: tuple[str, ...]) -> None:
    assert not broken(_lines(*pieces)).keys() & {"stream-blanks", "stream-delta"}


@pytest.mark.parametrize("uri", ["http://localhost:8000/docs", "http://127.0.0.1/a", "https://intranet/wiki"])
def test_a_source_may_be_a_page_of_the_own_network(uri: str) -> None:
    asked = {"contents": [{"parts": [{"text": f"What does {uri} say?"}]}], "tools": [{"urlContext": {}}]}
    read = {"urlMetadata": [{"retrievedUrl": uri, "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}]}
    answer = chunk({"text": "It says hello."}, finish="STOP")
    answer["candidates"][0]["urlContextMetadata"] = read
    assert "url-fetch-failed" not in broken(unary(answer, asked))


def test_words_of_slavic_languages_have_more_tokens_than_english_ones() -> None:
    """A list need not end with a full stop."""
    text = "Nemčina je jazyk západnej vetvy, slovenčina a čeština zasa jazyky vetvy západoslovanskej, maďarčina ugrofínsky jazyk"
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 50, "totalTokenCount": 62}
    assert broken(unary(chunk({"text": text}, finish="STOP", usageMetadata=usage))) == {}
