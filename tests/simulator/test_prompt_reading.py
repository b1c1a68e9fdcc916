"""The simulator reads values from prompts: for arguments of calls and for JSON alike."""

# ruff: noqa: RUF001 - signs of other scripts are data here

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.simulator import knowledge, style, thinking
from tests.growth import loops
from tests.simulator.test_answers import FLASH3, FLASH25, ask, calls, text

STRING, INTEGER, NUMBER = {"type": "STRING"}, {"type": "INTEGER"}, {"type": "NUMBER"}


def objects(required: str = "", **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "OBJECT", "properties": properties}
    return {**schema, "required": required.split()} if required else schema


def lists(items: Any) -> dict[str, Any]:
    return {"type": "ARRAY", "items": items}


def function(name: str, parameters: Any, about: str = "") -> dict[str, Any]:
    return {"name": name, "description": about, "parameters": parameters}


def called(question: str, *functions: Any, mode: str = "AUTO") -> list[tuple[str, Any]]:
    config = {"functionCallingConfig": {"mode": mode}}
    answer = ask(question, FLASH25, tools=[{"functionDeclarations": list(functions)}], toolConfig=config)
    return [(call["name"], call["args"]) for call in calls(answer)]


def filled(question: str, schema: Any, field: str = "responseSchema") -> Any:
    config = {"responseMimeType": "application/json", field: schema}
    return json.loads(text(ask(question, FLASH3, generationConfig=config)))


FORECAST = function("get_forecast", objects("place", place=STRING), "The weather forecast of a place.")
PEOPLE = lists(objects("name age", name=STRING, age=INTEGER))


@pytest.mark.parametrize(
    ("question", "places"),
    [
        ("What is the weather in Austin, TX?", ["Austin, TX"]),
        ("How is the weather in Lyon, France and in Porto?", ["Lyon, France", "Porto"]),
        ("weather in lisbon", ["lisbon"]),
        ("is it warm in new orleans right now?", ["new orleans"]),
        ("Denver weather, please", ["Denver"]),
        ("Wie wird das Wetter in Hamburg und Köln?", ["Hamburg", "Köln"]),
        ("Quel temps fait-il à Marseille ? Donne la météo.", ["Marseille"]),
        ("¿Qué tiempo hace en Sevilla?", ["Sevilla"]),
        ("大阪の天気を教えて", ["大阪"]),
    ],
)
def test_places_are_read_whole_in_any_spelling(question: str, places: list[str]) -> None:
    assert called(question, FORECAST) == [("get_forecast", {"place": place}) for place in places]


@pytest.mark.parametrize(
    ("question", "parameters", "args"),
    [
        ("What's in the file 'notes.md'?", objects("path", path=STRING), {"path": "notes.md"}),
        ("Don't worry about Ann's file, open 'it's done.txt'", objects("path", path=STRING), {"path": "it's done.txt"}),
        ("Track the file of parcel PX-4471", objects("parcel_id", parcel_id=STRING), {"parcel_id": "PX-4471"}),
        (
            "Mail the file to eve@example.org on 2027-02-03, subject 'Two words'",
            objects("to day subject", to=STRING, day=STRING, subject=STRING),
            {"to": "eve@example.org", "day": "2027-02-03", "subject": "Two words"},
        ),
        (
            "Save the file of Olga Petrova, who is 41 years old, rated 4.5",
            objects("rating name age", rating=NUMBER, name=STRING, age=INTEGER),
            {"rating": 4.5, "name": "Olga Petrova", "age": 41},
        ),
        (
            "File this: first name: ann lee, and mood: happy",
            objects("first_name mood", first_name=STRING, mood=STRING),
            {"first_name": "ann lee", "mood": "happy"},
        ),
        (
            "File it with tags red and blue for 3 of them",
            objects("tags count", tags=lists(STRING), count=INTEGER),
            {"tags": ["red", "blue"], "count": 3},
        ),
        (
            "It is raining, file the trips to Oslo and Rome",
            objects("stops is_raining", stops=lists(objects("city", city=STRING)), is_raining={"type": "BOOLEAN"}),
            {"stops": [{"city": "Oslo"}, {"city": "Rome"}], "is_raining": True},
        ),
    ],
)
def test_arguments_are_read_by_their_kind(question: str, parameters: Any, args: Any) -> None:
    assert called(question, function("handle_file", parameters)) == [("handle_file", args)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("what do you get for 96/4?", ("own_division", {"top": 96, "bottom": 4})),
        ("Was ergibt 96/4?", ("own_division", {"top": 96, "bottom": 4})),
    ],
)
def test_a_function_for_maths_is_called_for_maths(question: str, expected: Any) -> None:
    divide = function("own_division", objects("top bottom", top=INTEGER, bottom=INTEGER), "Divides by own rules.")
    assert called(question, divide) == [expected]


def test_a_lone_function_is_called_in_a_language_that_it_does_not_speak() -> None:
    residents = function("get_residents", objects("city", city=STRING), "Number of residents.")
    assert called("Combien de personnes vivent à Nantes ?", residents) == [("get_residents", {"city": "Nantes"})]
    assert called("What is the capital of France?", residents) == []


def test_functions_are_called_with_the_clause_that_is_about_them() -> None:
    quote = function("get_share_price", objects(symbol=STRING))
    found = called("What is the share price of MSFT? And how is the weather in Turin?", FORECAST, quote)
    assert found == [("get_forecast", {"place": "Turin"}), ("get_share_price", {"symbol": "MSFT"})]


def test_a_step_that_needs_a_result_waits_for_it() -> None:
    add = function("add", objects("x y", x=INTEGER, y=INTEGER))
    subtract = function("subtract", objects("x y", x=INTEGER, y=INTEGER))
    question = "First add 20 and 5 with the add tool. Then subtract 4 from that sum with the subtract tool."
    tools = [{"functionDeclarations": [add, subtract]}]
    first = ask(question, FLASH25, tools=tools)
    assert [call["args"] for call in calls(first)] == [{"x": 20, "y": 5}]
    result = {"functionResponse": {"name": "add", "response": {"result": 25}}}
    turns = [{"role": "user", "parts": [{"text": question}]}, first["candidates"][0]["content"]]
    second = ask({"contents": [*turns, {"role": "user", "parts": [result]}], "tools": tools}, FLASH25)
    assert [call["name"] for call in calls(second)] == ["subtract"]


@pytest.mark.parametrize("mode", ["AUTO", "ANY"])
def test_arguments_without_required_ones_are_filled(mode: str) -> None:
    group = function("Group", objects(members=PEOPLE), "A group of people.")
    question = "The group: Mia is 31. Tom is 25 years old."
    assert called(question, group, mode=mode) == [
        ("Group", {"members": [{"name": "Mia", "age": 31}, {"name": "Tom", "age": 25}]})
    ]


def test_a_call_is_left_out_where_the_prompt_refuses_it() -> None:
    assert called("How is the weather in Rome? Answer without calling a tool.", FORECAST) == []


@pytest.mark.parametrize(
    ("question", "schema", "value"),
    [
        ("I'm Tarek and I am 52 years old", objects(name=STRING, age=INTEGER), {"name": "Tarek", "age": 52}),
        (
            "Make a reply with title 'Second draft' and pages 12",
            objects(title=STRING, pages=INTEGER),
            {"title": "Second draft", "pages": 12},
        ),
        (
            "Nina and Omar meet at noon on Tuesday.",
            objects(attendees=lists(STRING), day=STRING),
            {"attendees": ["Nina", "Omar"], "day": "Tuesday"},
        ),
        (
            "A profile with skills ['Go', 'Rust', 'SQL'] and colours red, blue and green",
            objects(skills=lists(STRING), colours=lists(STRING)),
            {"skills": ["Go", "Rust", "SQL"], "colours": ["red", "blue", "green"]},
        ),
        (
            "Nina lives at 9 Elm Street, Boulder, CO 80302",
            objects(resident=objects(name=STRING, address=objects(street=STRING, city=STRING, zip=STRING))),
            {
                "resident": {
                    "name": "Nina",
                    "address": {"street": "9 Elm Street", "city": "Boulder, CO", "zip": "80302"},
                }
            },
        ),
    ],
)
def test_json_is_read_as_arguments_are(question: str, schema: Any, value: Any) -> None:
    assert filled(question, schema) == value


def test_a_restaurant_is_a_place() -> None:
    book = function("book", objects("restaurant people time", restaurant=STRING, people=INTEGER, time=STRING))
    (call,) = called("Reserve a table at Chez Paul for 6 people at 20:15", book)
    assert call == ("book", {"restaurant": "Chez Paul", "people": 6, "time": "20:15"})


def null_or(schema: Any) -> Any:
    return {"anyOf": [schema, {"type": "null"}]}


@pytest.mark.parametrize(
    ("question", "schema", "value"),
    [
        (
            "Birgit Lund is 37 and lives in Aarhus.",
            objects(name=null_or(STRING), age=null_or(INTEGER), city=null_or(STRING), email=null_or(STRING)),
            {"name": "Birgit Lund", "age": 37, "city": "Aarhus", "email": None},
        ),
        (
            "The bill 5121 was settled on 2026-02-11 by Paul Meyer.",
            objects(
                settled_on=null_or({**STRING, "format": "date"}),
                due=null_or({**STRING, "format": "date"}),
                payer={"type": ["string", "null"]},
                note={**STRING, "nullable": True},
            ),
            {"settled_on": "2026-02-11", "due": None, "payer": "Paul Meyer", "note": None},
        ),
        (
            "Severity: low. Owner: Amara. The task is open.",
            objects(
                severity=null_or({"enum": ["low", "high"]}),
                owner=null_or(STRING),
                kind=null_or({"enum": ["bug", "idea"]}),
            ),
            {"severity": "low", "owner": "Amara", "kind": None},
        ),
        ("Marks were 4, 8 and 11.", objects(marks=null_or(lists(INTEGER))), {"marks": [4, 8, 11]}),
        (
            "The customer is Ivo Hahn, mail ivo@hahn.example.",
            {
                **objects(customer=null_or({"$ref": "#/$defs/P"})),
                "$defs": {"P": objects(name=STRING, email=STRING, age=null_or(INTEGER))},
            },
            {"customer": {"name": "Ivo Hahn", "email": "ivo@hahn.example", "age": None}},
        ),
    ],
)
def test_what_a_text_does_not_give_is_null_where_it_may_be(question: str, schema: Any, value: Any) -> None:
    assert filled(question, schema, "responseJsonSchema") == value


def test_a_recursive_schema_does_not_take_long() -> None:
    node = objects(**{f"n{place}": null_or({"$ref": "#/$defs/N"}) for place in range(60)}, name=STRING)
    assert loops(lambda: filled("The node is Rex.", {**node, "$defs": {"N": node}}, "responseJsonSchema")) < 100


def test_nullable_fields_are_filled_unless_a_form_leaves_them_out() -> None:
    schema = objects(name=STRING, area={**INTEGER, "nullable": True})
    value = filled("Give me facts about Portugal.", schema)
    assert value["name"] == "Portugal"
    assert isinstance(value["area"], int)
    assert filled("Name: Portugal", schema) == {"name": "Portugal", "area": None}


def test_the_question_is_the_last_text_part() -> None:
    parts = [{"text": "How is the weather in Oslo? That was yesterday."}, {"text": "How is the weather in Quito?"}]
    answer = ask({"contents": [{"parts": parts}], "tools": [{"functionDeclarations": [FORECAST]}]}, FLASH25)
    assert [call["args"] for call in calls(answer)] == [{"place": "Quito"}]


_PATTERNS = [
    value for module in (knowledge, style, thinking) for value in vars(module).values() if isinstance(value, re.Pattern)
]
_WORDS = sorted({word for pattern in _PATTERNS for word in re.findall(r"[a-z]{3,}", pattern.pattern)})
"""Words that patterns look for."""
_SIGNS = [
    r"A",
    r"a",
    r"Ab",
    r"Aa'",
    r"Z.",
    r"12",
    r"9",
    r"1,5",
    r"€",
    r"(",
    r"'",
    r'"',
    r"-",
    r".",
    r",",
    r":",
    r"_",
    r"@",
    r"=",
    r"/",
    r">",
    r"```",
    r"中",
    r"날씨",
    r"in",
    r"the",
    r"Ann",
    r"St",
]
UNITS = st.builds(
    str.join,
    st.sampled_from(("", " ")),
    st.lists(st.sampled_from([*_WORDS, *_SIGNS, "\n", ""]), min_size=1, max_size=4),
).filter(bool)
LONGEST = 100
"""Loops: a text of 10 kB takes about 20."""


@settings(deadline=None, max_examples=12)
@given(head=st.sampled_from(["", *_WORDS]), unit=UNITS, length=st.sampled_from((1_900, 10_000)))
@example(head="", unit="1+", length=10_000)
@example(head="add", unit="9", length=10_000)
@example(head="stops", unit="stops ", length=10_000)
@example(head="capital", unit="Z ", length=10_000)
@example(head="if", unit="if ", length=10_000)
@example(head="", unit="of", length=10_000)
@example(head="keys", unit="a, ", length=10_000)
@example(head="a story", unit="get_forecast(", length=10_000)
def test_no_text_takes_long_to_read(head: str, unit: str, length: int) -> None:
    question = f"{head} {unit * length}"[:length] + "!"
    wanted = objects("place people", place=STRING, people=PEOPLE, n=INTEGER, tags=lists(STRING))
    assert loops(lambda: ask(question, FLASH3)) < LONGEST
    assert loops(lambda: filled(question, wanted)) < LONGEST
    assert loops(lambda: called(question, function("get_forecast", wanted))) < LONGEST


# --- who, how many, when, for how much ----------------------------------------------------------------

ORDER = objects("buyer goods", buyer=STRING, goods=lists(objects("article quantity", article=STRING, quantity=INTEGER)))
NAMED = objects("name", name=STRING)


@pytest.mark.parametrize(
    ("question", "schema", "value"),
    [
        (
            "Bestellung von Sabine Vogt: zwei Stühle und ein Tisch",
            ORDER,
            {
                "buyer": "Sabine Vogt",
                "goods": [{"article": "Stühle", "quantity": 2}, {"article": "Tisch", "quantity": 1}],
            },
        ),
        (
            "I'd like four bagels and a dozen oranges, says Felix.",
            ORDER,
            {
                "buyer": "Felix",
                "goods": [{"article": "bagels", "quantity": 4}, {"article": "oranges", "quantity": 12}],
            },
        ),
        (
            "Mix 250 g butter and 2 lemons.",
            lists(objects("what amount unit", what=STRING, amount=NUMBER, unit=STRING)),
            [{"what": "butter", "amount": 250, "unit": "g"}, {"what": "lemons", "amount": 2, "unit": "piece"}],
        ),
        (
            "Rosa Diaz is the director of the school; the teacher is Tim Brown.",
            objects("teacher director", teacher=NAMED, director=NAMED),
            {"teacher": {"name": "Tim Brown"}, "director": {"name": "Rosa Diaz"}},
        ),
        (
            "Sold by Hooli to Ines Moreau for $1,250.50",
            objects("seller buyer price currency", seller=NAMED, buyer=NAMED, price=NUMBER, currency=STRING),
            {"seller": {"name": "Hooli"}, "buyer": {"name": "Ines Moreau"}, "price": 1250.5, "currency": "USD"},
        ),
        (
            "Emma is 8, Paul is 11 and Zoe is 14.",
            PEOPLE,
            [{"name": "Emma", "age": 8}, {"name": "Paul", "age": 11}, {"name": "Zoe", "age": 14}],
        ),
        (
            "The staff: Olga (52, baker), Juan (38, driver).",
            lists(objects("name age job", name=STRING, age=INTEGER, job=STRING)),
            [{"name": "Olga", "age": 52, "job": "baker"}, {"name": "Juan", "age": 38, "job": "driver"}],
        ),
        (
            "Le 3 mars 2027, Louise Petit a payé 45,50 € à Nice.",
            objects(
                "day payer amount currency city", day=STRING, payer=STRING, amount=NUMBER, currency=STRING, city=STRING
            ),
            {"day": "2027-03-03", "payer": "Louise Petit", "amount": 45.5, "currency": "EUR", "city": "Nice"},
        ),
        (
            "Lieferung am 9. Oktober 2026 an die Lindenallee 12, 80331 München",
            objects("date street zip city", date=STRING, street=STRING, zip=STRING, city=STRING),
            {"date": "2026-10-09", "street": "Lindenallee 12", "zip": "80331", "city": "München"},
        ),
        (
            "The shelf is 180 cm tall, 60 cm wide and weighs 22.5 kg.",
            objects("width_cm height_cm weight_kg", width_cm=INTEGER, height_cm=INTEGER, weight_kg=NUMBER),
            {"width_cm": 60, "height_cm": 180, "weight_kg": 22.5},
        ),
        (
            "Contact: Vera Lang, vera.lang@example.org",
            objects("first_name last_name email", first_name=STRING, last_name=STRING, email=STRING),
            {"first_name": "Vera", "last_name": "Lang", "email": "vera.lang@example.org"},
        ),
        ("Otto Lenz bought three pears.", objects("buyer n", buyer=STRING, n=INTEGER), {"buyer": "Otto Lenz", "n": 3}),
        ("We saw foxes, owls and bats", objects("seen", seen=lists(STRING)), {"seen": ["foxes", "owls", "bats"]}),
    ],
)
def test_the_reader_tells_who_what_and_how_many(question: str, schema: Any, value: Any) -> None:
    assert filled(question, schema) == value


LINE = objects("kind length", kind={"type": "STRING", "enum": ["line"]}, length=NUMBER)
BALL = objects("kind diameter", kind={"type": "STRING", "enum": ["ball"]}, diameter=NUMBER)


@pytest.mark.parametrize(
    ("question", "branches", "value"),
    [
        ("a ball with a diameter of 7", [LINE, BALL], {"kind": "ball", "diameter": 7}),
        ("length 12", [BALL, LINE], {"kind": "line", "length": 12}),
    ],
)
def test_a_branch_is_chosen_by_what_the_text_gives(question: str, branches: list[Any], value: Any) -> None:
    assert filled(question, {"anyOf": branches}) == value


@pytest.mark.parametrize(
    ("text", "labels", "label"),
    [
        ("The soup was delicious, we will come again and recommend it.", ["negative", "positive"], "positive"),
        ("Der Service war langsam und unhöflich.", ["POSITIVE", "NEGATIVE", "NEUTRAL"], "NEGATIVE"),
        ("The package arrives on Monday.", ["positive", "neutral", "negative"], "neutral"),
        ("Claim now: you have won a prize!", ["ham", "spam"], "spam"),
        ("See you at lunch tomorrow.", ["spam", "not_spam"], "not_spam"),
        ("My invoice shows a payment twice.", ["shipping", "technical", "billing"], "billing"),
        ("Production is down, please help immediately!", ["low", "medium", "high"], "high"),
    ],
)
def test_a_label_is_chosen_by_the_words_that_give_it_away(text: str, labels: list[str], label: str) -> None:
    assert filled(text, objects("label", label={"type": "STRING", "enum": labels})) == {"label": label}


@pytest.mark.parametrize(("question", "count"), [("Suggest four pets", 4), ("Give me exactly 3 of them", 3)])
def test_a_list_is_as_long_as_the_prompt_says(question: str, count: int) -> None:
    assert len(filled(question, lists(STRING))) == count


def test_a_property_may_be_true_instead_of_a_schema() -> None:
    open_property = {"type": "object", "properties": {"quantity": INTEGER, "article": STRING, "rest": True}}
    found = filled("Two mugs and a teapot.", lists(open_property), "responseJsonSchema")
    assert [(one["quantity"], one["article"]) for one in found] == [(2, "mugs"), (1, "teapot")]


def test_a_nested_list_is_filled_where_its_reference_does_not_recur() -> None:
    schema = {
        "type": "object",
        "properties": {"reasons": {"type": "array", "items": {"$ref": "#/$defs/Reason"}}},
        "required": ["reasons"],
        "$defs": {
            "Reason": {
                "type": "object",
                "properties": {"points": {"type": "array", "items": {"$ref": "#/$defs/Point"}}},
                "required": ["points"],
            },
            "Point": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        },
    }
    assert filled("Why are bees useful?", schema, "responseJsonSchema")["reasons"][0]["points"]


def test_things_that_have_things_of_their_kind() -> None:
    folder = {"type": "object", "properties": {"name": {"type": "string"}, "folders": lists({"$ref": "#/$defs/F"})}}
    schema = {"$ref": "#/$defs/F", "$defs": {"F": {**folder, "required": ["name"]}}}
    question = "Make a folder 'home' with three folders 'mail', 'music' and 'work'. 'music' has one folder 'jazz'."
    home = filled(question, schema, "responseJsonSchema")
    assert [inner["name"] for inner in home["folders"]] == ["mail", "music", "work"]
    assert [inner["name"] for inner in home["folders"][1]["folders"]] == ["jazz"]
    assert not home["folders"][0].get("folders")


ADDRESS = objects(name=STRING, city=STRING, country=STRING, zip=STRING, street=STRING)


@pytest.mark.parametrize(
    ("question", "schema", "value"),
    [
        ("Paula Roth, 9 Ahornweg, 3011 Bern, Switzerland", ADDRESS, {"name": "Paula Roth", "city": "Bern", "country": "Switzerland", "zip": "3011", "street": "9 Ahornweg"}),
        ("Ana Gómez tiene 41 años y vive en Sevilla.", objects(nombre=STRING, edad=INTEGER, ciudad=STRING), {"nombre": "Ana Gómez", "edad": 41, "ciudad": "Sevilla"}),
        ("鈴木一郎さんは29歳で、京都に住んでいます。", objects(name=STRING, age=INTEGER, city=STRING), {"name": "鈴木一郎", "age": 29, "city": "京都"}),
        ("Das Fahrrad kostet 1.249,50 Euro und ist 3.200 km gelaufen.", objects(preis=NUMBER, mileage=INTEGER), {"preis": 1249.5, "mileage": 3200}),
        ("Le film dure 95 minutes et a reçu 3,5 étoiles pour 80 avis.", objects(rating=NUMBER, reviews=INTEGER), {"rating": 3.5, "reviews": 80}),
        ("We sold 1.5 million units for -$20 each.", objects(units=INTEGER, price=NUMBER), {"units": 1500000, "price": -20}),
        ("The flat has 4 rooms, 2 balconies and a cellar.", objects(rooms=INTEGER, balconies=INTEGER), {"rooms": 4, "balconies": 2}),
        ("Hobbies: chess, trail running, and baking bread.", objects(hobbies=lists(STRING)), {"hobbies": ["chess", "trail running", "baking bread"]}),
        ("She is allergic to pollen and cats.", objects(allergies=lists(STRING)), {"allergies": ["pollen", "cats"]}),
        ("To do: 1) water the plants 2) pay the rent by Monday", objects(tasks=lists(objects(title=STRING, due={**STRING, "nullable": True}))), {"tasks": [{"title": "water the plants", "due": None}, {"title": "pay the rent", "due": "Monday"}]}),
        ("Stock: plums (5), pears (12) and figs (7)", objects(fruit=lists(objects(name=STRING, count=INTEGER))), {"fruit": [{"name": "plums", "count": 5}, {"name": "pears", "count": 12}, {"name": "figs", "count": 7}]}),
        ("Parts: nails 40, screws 25.", objects(parts=lists(objects(name=STRING, quantity=INTEGER))), {"parts": [{"name": "nails", "quantity": 40}, {"name": "screws", "quantity": 25}]}),
        ("Is this review positive? 'The soup was cold and the waiter was rude.'", objects(positive={"type": "BOOLEAN"}, label={"type": "STRING", "enum": ["positive", "negative"]}), {"positive": False, "label": "negative"}),
        ("Give the fields `name` and `age`: Otto is 33.", objects(name=STRING, age=INTEGER), {"name": "Otto", "age": 33}),
        ("Globex CEO Nina Berg met President Alvarez in Quito, Ecuador.", objects(people=lists(STRING), organizations=lists(STRING)), {"people": ["Nina Berg", "Alvarez"], "organizations": ["Globex"]}),
    ],
)  # fmt: skip
def test_values_as_users_write_them(question: str, schema: Any, value: Any) -> None:
    assert filled(question, schema) == value


MEETING = function(
    "create_event", objects("title start", title=STRING, start=STRING, end=STRING, guests=lists(STRING), room=STRING)
)
LETTER = function("send_email", objects("to subject body", to=STRING, subject=STRING, body=STRING, cc=lists(STRING)))


@pytest.mark.parametrize(
    ("question", "declared", "arguments"),
    [
        ("Plan a meeting called 'Kick-off' tomorrow at 9:30 in Room 7.", MEETING, {"title": "Kick-off", "start": "tomorrow at 9:30", "room": "Room 7"}),
        ("Create an event 'Fair' from 2025-05-02 10:00 to 2025-05-03 18:00.", MEETING, {"title": "Fair", "start": "2025-05-02 10:00", "end": "2025-05-03 18:00"}),
        ("Send an email to a@x.org, cc b@x.org, about the new lease: it starts in May.", LETTER, {"to": "a@x.org", "subject": "new lease", "body": "it starts in May.", "cc": ["b@x.org"]}),
        ("Remind me to feed the cat at 7pm.", function("set_reminder", objects("text time", text=STRING, time=STRING)), {"text": "feed the cat", "time": "7pm"}),
        ('Reserviere einen Tisch für fünf Personen im "Adler".', function("book_table", objects("place people", place=STRING, people=INTEGER)), {"people": 5}),
        ("Dim the bedroom light to 20%.", function("set_light", objects("room level", room=STRING, level=INTEGER)), {"room": "bedroom", "level": 20}),
    ],
)  # fmt: skip
def test_arguments_as_users_write_them(question: str, declared: Any, arguments: Any) -> None:
    [(_, made)] = called(question, declared)
    assert arguments.items() <= made.items()


@pytest.mark.parametrize(
    ("question", "schema", "value"),
    [
        (
            "Note all staff: Clara (52) works at Bayer, and Hugo (23) works at Lufthansa.",
            lists(objects("name age company", name=STRING, age=INTEGER, company=STRING)),
            [{"name": "Clara", "age": 52, "company": "Bayer"}, {"name": "Hugo", "age": 23, "company": "Lufthansa"}],
        ),
        (
            "王芳今年41岁，住在广州。",
            objects("name age city", name=STRING, age=INTEGER, city=STRING),
            {"name": "王芳", "age": 41, "city": "广州"},
        ),
        (
            "Ana Souza tem 19 anos e mora em Porto.",
            objects("nome idade cidade", nome=STRING, idade=INTEGER, cidade=STRING),
            {"nome": "Ana Souza", "idade": 19, "cidade": "Porto"},
        ),
        (
            "Nina is a 30-year-old baker who lives in Ghent",
            objects("occupation city", occupation=STRING, city=STRING),
            {"occupation": "baker", "city": "Ghent"},
        ),
        (
            "Tell me about Norway.",
            objects("name capital", name=STRING, capital=STRING),
            {"name": "Norway", "capital": "Oslo"},
        ),
        (
            "Mia and Leo are having a picnic on Sunday.",
            objects("name participants", name=STRING, participants=lists(STRING)),
            {"name": "picnic", "participants": ["Mia", "Leo"]},
        ),
        (
            "List the seasons with their order",
            lists(objects("name order", name=STRING, order=INTEGER)),
            [{"name": n, "order": i} for i, n in enumerate(("spring", "summer", "autumn", "winter"), 1)],
        ),
    ],
)
def test_what_a_text_says_in_any_form_is_read(question: str, schema: Any, value: Any) -> None:
    assert filled(question, schema) == value


def test_a_value_that_a_description_names_is_taken() -> None:
    level = {"type": "STRING", "description": "One of `dim`, `soft` or `full`."}
    assert called("Make it soft in here", function("set_mood", objects("level", level=level)), mode="ANY") == [
        ("set_mood", {"level": "soft"})
    ]
    score = {"type": "STRING", "description": "'yes' if it helps, else 'no'"}
    assert filled("Does this page help?", objects("score", score=score)) == {"score": "yes"}


def test_made_up_values_are_plausible_and_distinct() -> None:
    users = filled(
        "Invent 3 users", lists(objects("name age email city", name=STRING, age=INTEGER, email=STRING, city=STRING))
    )
    assert len({user["name"] for user in users}) == len({user["city"] for user in users}) == 3
    assert all(18 <= user["age"] < 80 and "@" in user["email"] for user in users)
    films = filled(
        "Top 4 films of last year with their titles and years", lists(objects("title year", title=STRING, year=INTEGER))
    )
    assert len({film["title"] for film in films}) == 4
    assert all(1950 <= film["year"] <= 2024 for film in films)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ('Answer like {"pet": string, "legs": int}: my pet is a dog with 4 legs', {"pet": "dog", "legs": 4}),
        ("Return an object with the keys name and age for Otto, 71 years old", {"name": "Otto", "age": 71}),
    ],
)
def test_json_without_a_schema_has_the_keys_that_the_prompt_draws(question: str, value: Any) -> None:
    assert json.loads(text(ask(question, FLASH3, generationConfig={"responseMimeType": "application/json"}))) == value


@pytest.mark.parametrize(
    ("question", "declared", "arguments"),
    [
        (
            "Reserve a table on 2027-01-04 for 3 guests",
            objects("day guests", day=STRING, guests=INTEGER),
            {"day": "2027-01-04", "guests": 3},
        ),
        ("Reserve a table called Window", objects("label", label=STRING), {"label": "Window"}),
    ],
)
def test_arguments_beside_others_are_read(question: str, declared: Any, arguments: Any) -> None:
    assert called(question, function("reserve_table", declared)) == [("reserve_table", arguments)]


def test_a_place_is_read_in_hindi() -> None:
    assert called("चेन्नई में मौसम कैसा है?", FORECAST) == [("get_forecast", {"place": "चेन्नई"})]
