"""Answers to questions about dates: weekdays, the days between two dates, a date some days later, leap years."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from harness.simulator.cued_pattern import CuedPattern
from harness.simulator.knowledge import KnownFact, yes_or_no
from harness.simulator.mentions import mentions

_LEAP = CuedPattern("leap", r"\bis (?:the year )?(\d{4}) a leap year\b|\bleap year\b\D{0,20}(\d{4})")
_BETWEEN = CuedPattern("days weeks", r"\bhow many (days|weeks)\b.*\b(?:between|from)\b")
_WEEKDAY = CuedPattern("day weekday wochentag", r"\b(?:what|which) (?:day|weekday)\b|\bday of the week\b|\bwochentag\b")
_LATER = CuedPattern(
    "days weeks day week",
    r"\b(\d{1,4}) (day|week)s? (after|from|before|prior to)\b|\badd (\d{1,4}) (day|week)s? to\b",
)


DATE_QUESTIONS = (_LEAP, _BETWEEN, _WEEKDAY, _LATER)


def dated(prompt: str) -> KnownFact | None:
    """The answer to a question about dates; None if it asks for none of these."""
    if found := _LEAP.search(prompt):
        year = int(found[1] or found[2])
        return yes_or_no(calendar.isleap(year), f"{year} is {{}}a leap year.")
    between, later, weekday = (pattern.search(prompt) for pattern in (_BETWEEN, _LATER, _WEEKDAY))
    if not (between or later or weekday):
        return None
    dates = _dates(prompt)
    if between and len(dates) == 2:
        apart = abs((dates[1] - dates[0]).days) // (7 if between[1].lower() == "weeks" else 1)
        return _answer(str(apart), f"There are {apart} {between[1].lower()} between {dates[0]} and {dates[1]}.", apart)
    if later and dates:
        return _moved(dates[0], later[1] or later[4], later[2] or later[5], (later[3] or "").lower())
    if weekday and dates:
        name = calendar.day_name[dates[0].weekday()]
        return _answer(name, f"{_written(dates[0])} is a {name}.", name)
    return None


def _dates(prompt: str) -> list[date]:
    """The dates of a text that the calendar has."""
    found = []
    for mention in mentions("date", prompt):
        try:
            found.append(date.fromisoformat(str(mention.value)))
        except ValueError:
            continue
    return found


def _moved(start: date, number: str, unit: str, way: str) -> KnownFact | None:
    """The date some days or weeks after another one, or before it; None if the calendar does not have it."""
    days = int(number) * (7 if unit.lower() == "week" else 1)
    try:
        moved = start + timedelta(days=-days if way in ("before", "prior to") else days)
    except OverflowError:
        return None
    return _answer(_written(moved), f"It is {_written(moved)} ({moved}).", str(moved))


def _written(day: date) -> str:
    return f"{calendar.month_name[day.month]} {day.day}, {day.year}"


def _answer(short: str, long: str, value: object) -> KnownFact:
    return KnownFact(short, long, facts={"answer": value, "result": value, "date": value, "days": value, "day": value})
