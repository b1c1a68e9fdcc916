"""Which functions the simulator calls, when, and in which order: over whole conversations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator.test_answers import FLASH3, ask, calls, text
from tests.simulator.test_prompt_reading import INTEGER, STRING, called, function, objects

Call = tuple[str, dict[str, Any]]


def played(question: str, functions: list[Any], result: Callable[[str, Any], Any]) -> list[list[Call]]:
    """The calls of each turn until the model answers with a text."""
    turns: list[Any] = [{"role": "user", "parts": [{"text": question}]}]
    found: list[list[Call]] = []
    for _ in range(8):
        answer = ask({"contents": turns, "tools": [{"functionDeclarations": functions}]}, FLASH3)
        made = [(call["name"], call["args"]) for call in calls(answer)]
        if not made:
            return found
        found.append(made)
        results = [{"functionResponse": {"name": n, "response": {"result": result(n, args)}}} for n, args in made]
        turns += [answer["candidates"][0]["content"], {"role": "user", "parts": results}]
    raise AssertionError(f"no end: {found}")


def two(name: str) -> Any:
    return function(name, objects("left right", left=INTEGER, right=INTEGER))


def computed(name: str, args: Any) -> Any:
    signs = {"plus": "__add__", "minus": "__sub__", "times": "__mul__"}
    return getattr(args["left"], signs[name])(args["right"])


MATHS = [two("plus"), two("minus"), two("times")]
CAPITAL = function("get_capital", objects("country", country=STRING))
RESIDENTS = function("get_population", objects("city", city=STRING))


def test_nested_arithmetic_is_called_from_the_inside_out() -> None:
    assert played("Work out (8 - 3) * (1 + 6).", MATHS, computed) == [
        [("minus", {"left": 8, "right": 3})],
        [("plus", {"left": 1, "right": 6})],
        [("times", {"left": 5, "right": 7})],
    ]


def test_an_operation_may_have_a_parameter_without_a_schema() -> None:
    number = {"type": "integer"}
    schema = {"type": "object", "properties": {"left": number, "right": number, "note": True}, "required": ["left"]}
    declared = [{"name": name, "parametersJsonSchema": schema} for name in ("minus", "times")]
    assert called("Work out (8 - 3) * 2.", *declared) == [("minus", {"left": 8, "right": 3})]


def test_a_result_takes_the_place_of_the_words_for_it() -> None:
    assert played("Compute 6 plus 7, then calculate that sum times 3.", MATHS, computed) == [
        [("plus", {"left": 6, "right": 7})],
        [("times", {"left": 13, "right": 3})],
    ]


def test_every_operation_gets_its_own_numbers() -> None:
    found = called("Take 9 times 2 and add 4 and 11.", *MATHS)
    assert found == [("plus", {"left": 4, "right": 11}), ("times", {"left": 9, "right": 2})]


def test_a_place_that_a_function_finds_is_waited_for() -> None:
    def answer(name: str, _: Any) -> Any:
        return "Lima" if name == "get_capital" else 10_000_000

    found = played("How large is the population of the capital of Peru?", [CAPITAL, RESIDENTS], answer)
    assert found == [[("get_capital", {"country": "Peru"})], [("get_population", {"city": "Lima"})]]


def test_an_id_that_a_function_finds_is_waited_for() -> None:
    find = function("find_customer", objects("email", email=STRING))
    close = function("close_account", objects("customer_id", customer_id=STRING))
    question = "Find the customer with the address ann@example.org and close the account."
    found = played(question, [find, close], lambda name, _: "cus-88" if name == "find_customer" else "closed")
    assert found == [[("find_customer", {"email": "ann@example.org"})], [("close_account", {"customer_id": "cus-88"})]]


@pytest.mark.parametrize(
    ("question", "declared", "expected"),
    [
        ("Throw two dice", function("roll_dice", objects()), [{}, {}]),
        (
            "Are 12, 13 and 14 even?",
            function("is_even", objects("n", n=INTEGER)),
            [{"n": 12}, {"n": 13}, {"n": 14}],
        ),
        (
            "The share price of IBM and of SAP, please",
            function("share_price", objects("ticker", ticker=STRING)),
            [{"ticker": "IBM"}, {"ticker": "SAP"}],
        ),
        (
            "Open the page 'home' and the page 'about'",
            function("open_page", objects("title", title=STRING)),
            [{"title": "home"}, {"title": "about"}],
        ),
    ],
)
def test_a_function_of_one_thing_is_called_for_each(question: str, declared: Any, expected: list[Any]) -> None:
    assert [args for _, args in called(question, declared)] == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("I'm Ines and I am 52 years old.", [("register", {"name": "Ines", "age": 52})]),
        ("I'm Ines.", []),
        ("Thanks a lot!", []),
    ],
)
def test_a_statement_is_a_call_if_it_fills_the_form(question: str, expected: Any) -> None:
    assert called(question, function("register", objects("name age", name=STRING, age=INTEGER))) == expected


def test_a_lone_tool_is_used_where_the_prompt_says_so() -> None:
    ask_oracle = function("oracle", objects("query", query=STRING), "Knows things.")
    assert [name for name, _ in called("Use your tool: who built the Alhambra?", ask_oracle)] == ["oracle"]


@pytest.mark.parametrize(
    ("question", "name", "order"),
    [
        ("Where is order 55-AX9?", "get_order", "55-AX9"),
        ("Please void order 990-B", "cancel_order", "990-B"),
        ("Cancel my order number 7781", "cancel_order", "7781"),
    ],
)
def test_a_function_of_further_words_is_asked_for_by_them(question: str, name: str, order: str) -> None:
    orders = [function(verb, objects("order_id", order_id=STRING)) for verb in ("get_order", "cancel_order")]
    assert called(question, *orders) == [(name, {"order_id": order})]


def test_a_function_without_its_arguments_yields_to_one_with_them() -> None:
    by_name = function("find_route_by_city", objects("cities", cities={"type": "ARRAY", "items": STRING}))
    by_point = function("find_route_by_point", objects("latitude", latitude=INTEGER))
    assert called("Find a route for Turin and Genoa", by_name, by_point) == [
        ("find_route_by_city", {"cities": ["Turin", "Genoa"]})
    ]


def test_a_result_may_ask_for_another_call() -> None:
    number = function("get_phone_number", objects("department", department=STRING))
    question, moved = (
        "What is the phone number of the department 'sales'?",
        "closed; use the department 'orders' instead",
    )
    found = played(question, [number], lambda _, args: moved if args["department"] == "sales" else "555")
    assert found == [[("get_phone_number", {"department": "sales"})], [("get_phone_number", {"department": "orders"})]]


def test_after_an_unknown_tool_the_declared_one_is_called() -> None:
    turns = [
        {"role": "user", "parts": [{"text": "Call read_sensor and tell me the value."}]},
        {
            "role": "model",
            "parts": [{"functionCall": {"name": "sensor_list", "args": {}}, "thoughtSignature": "c2lnbg=="}],
        },
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "sensor_list", "response": {"error": "Unknown tool"}}}],
        },
    ]
    tools = [{"functionDeclarations": [function("read_sensor", objects())]}]
    answer = ask({"contents": turns, "tools": tools}, "gemini-2.5-flash")
    assert [call["name"] for call in calls(answer)] == ["read_sensor"]


def test_the_text_after_all_results_has_them() -> None:
    turns = [
        {"role": "user", "parts": [{"text": "Ask read_sensor."}]},
        {"role": "model", "parts": [{"functionCall": {"name": "read_sensor", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "read_sensor", "response": {"value": 19}}}]},
        {"role": "user", "parts": [{"text": "Read the result, or call the next tool."}]},
    ]
    tools = [{"functionDeclarations": [function("read_sensor", objects())]}]
    answer = ask({"contents": turns, "tools": tools}, "gemini-2.5-flash")
    assert calls(answer) == []
    assert "19" in text(answer)


SUBMIT = {
    "name": "submit",
    "description": "Submit an answer for evaluation.",
    "parameters": {"type": "OBJECT", "properties": {"answer": {"type": "STRING"}}, "required": ["answer"]},
}


def test_an_agent_submits_what_it_has_found() -> None:
    turns = ["How deep is the lake?", "The lake is 80 m deep.", "Go on. If the task is done, call the `submit()` tool."]
    contents = [{"role": ("user", "model")[n % 2], "parts": [{"text": said}]} for n, said in enumerate(turns)]
    answer = ask("", FLASH3, contents=contents, tools=[{"functionDeclarations": [SUBMIT]}])
    assert [call["args"] for call in calls(answer)] == [{"answer": "The lake is 80 m deep."}]


def test_every_question_of_a_prompt_gets_its_function() -> None:
    rate = function("get_exchange_rate", objects("currency", currency=STRING), "The exchange rate of a currency.")
    forecast = function("get_forecast", objects("place", place=STRING), "The weather forecast of a place.")
    found = called("What is the weather in Bonn and what is the exchange rate of CHF?", rate, forecast)
    assert found == [("get_exchange_rate", {"currency": "CHF"}), ("get_forecast", {"place": "Bonn"})]


def test_an_id_is_found_out_by_the_function_that_is_named_after_it() -> None:
    find = function("find_customer_id", objects("name", name=STRING), "Finds a customer.")
    bills = function("list_bills", objects("customer_id", customer_id=STRING), "The bills of a customer.")
    assert played("List the bills of Ingrid", [find, bills], lambda *_: "c-88") == [
        [("find_customer_id", {"name": "Ingrid"})],
        [("list_bills", {"customer_id": "c-88"})],
    ]


@pytest.mark.parametrize(("degrees", "level"), [(3, 9), (21, 2)])
def test_a_condition_is_looked_up_before_its_consequence(degrees: int, level: int) -> None:
    forecast = function("get_forecast", objects("place", place=STRING), "The weather forecast of a place.")
    heat = function("adjust_heater", objects("level", level=INTEGER), "Sets the level of the heater.")
    asked = "If it's colder than 10 degrees in Riga, put the heater on level 9, otherwise put the heater on level 2."
    assert played(asked, [forecast, heat], lambda *_: f"{degrees} degrees") == [
        [("get_forecast", {"place": "Riga"})],
        [("adjust_heater", {"level": level})],
    ]


def test_a_result_in_the_same_sentence_is_waited_for() -> None:
    throw = function("throw_dice", objects("sides", sides=INTEGER))
    check = function("check_even", objects("number", number=INTEGER), "Tells whether a number is even.")
    found = played("Roll a 12-sided die and check whether the result is even", [throw, check], lambda *_: 7)
    assert found == [[("throw_dice", {"sides": 12})], [("check_even", {"number": 7})]]


def test_coordinates_are_found_out_before_they_are_used() -> None:
    number = {"type": "NUMBER"}
    locate = function("find_lat_lng", objects("place", place=STRING))
    weather = function("get_weather", objects("lat lng", lat=number, lng=number))
    asked = "What is the weather like in Tromsø?"
    found = played(asked, [locate, weather], lambda name, _: {"lat": 69.6, "lng": 18.9} if "find" in name else "snow")
    assert found == [[("find_lat_lng", {"place": "Tromsø"})], [("get_weather", {"lat": 69.6, "lng": 18.9})]]


def handed_over(question: str) -> list[str]:
    agents = {"poetry": "Writes poems", "history": "Answers historical questions", "math": "Helps with maths"}
    offered = [{"name": f"transfer_to_{name}_agent", "description": about} for name, about in agents.items()]
    return [name for name, _ in called(question, *offered)]


def test_a_question_is_handed_over_to_the_agent_that_it_is_for() -> None:
    assert handed_over("Which queen ruled before the revolution?") == ["transfer_to_history_agent"]
    assert handed_over("Solve the equation 3x = 12") == ["transfer_to_math_agent"]
    named = {"type": "STRING", "enum": ["greeting_agent", "weather_agent"]}
    transfer = function("transfer_to_agent", objects("agent_name", agent_name=named))
    assert called("Will it rain in Cork?", transfer) == [("transfer_to_agent", {"agent_name": "weather_agent"})]


def test_the_agent_after_a_change_answers_the_question() -> None:
    turns = [
        {"role": "user", "parts": [{"text": "What is 8 * 8?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "transfer_to_math", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "transfer_to_math", "response": {"ok": True}}}]},
    ]
    assert text(ask({"contents": turns}, "gemini-2.5-flash")) == "8 * 8 = 64"


def test_a_function_is_called_because_the_instructions_say_so() -> None:
    spin = {"name": "spin_wheel", "description": "Spins it."}
    body = {
        "contents": [{"role": "user", "parts": [{"text": "I bet on 4"}]}],
        "systemInstruction": {"parts": [{"text": "You should spin the wheel and compare."}]},
        "tools": [{"functionDeclarations": [spin]}],
    }
    assert [call["name"] for call in calls(ask(body, FLASH3))] == ["spin_wheel"]


def test_forced_arguments_hold_the_answer_if_it_is_known() -> None:
    result = function("final_result", objects("city country", city=STRING, country=STRING))
    found = called("Where were the Olympics held in 2016?", result, mode="ANY")
    assert found[0][1]["city"] == "Rio de Janeiro"
    found = called(
        "The crate is 12x7x5 in",
        function("final_result", objects("length width unit", length=INTEGER, width=INTEGER, unit=STRING)),
    )
    assert found == [("final_result", {"length": 12, "width": 7, "unit": "in"})]


def test_two_expressions_are_two_calls_with_their_own_numbers() -> None:
    found = called("Work out 2 + 6 and 9 - 1, both in parallel.", *MATHS)
    assert found == [("plus", {"left": 2, "right": 6}), ("minus", {"left": 9, "right": 1})]


def test_a_text_to_echo_by_a_function_is_not_the_answer_to_its_result() -> None:
    turns = [
        {"role": "user", "parts": [{"text": "Repeat the word 'amber'."}]},
        {"role": "model", "parts": [{"functionCall": {"name": "repeat", "args": {"text": "amber"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "repeat", "response": {"result": "AMBER!"}}}]},
    ]
    assert "AMBER!" in text(ask({"contents": turns}, "gemini-2.5-flash"))


def test_yes_or_no_is_answered_so_about_what_is_unknown_too() -> None:
    assert text(ask("Could Zorb be a planet? Answer only yes or no.", FLASH3)) in ("Yes", "No")
