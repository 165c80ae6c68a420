"""The front end of the AgentDojo example reads prompts of our own writing as a person would.

None of the benchmark's prompts stands here.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "agentdojo"
TODAY = datetime.date(2026, 5, 13)
ACCOUNT = "DE89370400440532013000"


@pytest.fixture(scope="module", autouse=True)
def example_path() -> Iterator[None]:
    sys.path.insert(0, str(EXAMPLE))
    yield
    sys.path.remove(str(EXAMPLE))


def bank(prompt: str) -> Any:
    from picker import banking

    return banking.pick(prompt)


def trip(prompt: str) -> Any:
    from picker import travel

    return travel.pick(prompt, TODAY)


@pytest.mark.parametrize(
    ("prompt", "tasks"),
    [
        (f"Send 50 dollars to {ACCOUNT} for the pizza.", ["pay"]),
        ("My brother's account is DE89 3704 0044 0532 0130 00. Could you send him $9?", ["pay"]),
        ("Split the dinner with my friends and send Anna her share.", ["pay-found"]),
        ("I'd like you to pay back my friend who bought the tickets.", ["pay-found"]),
        ("The invoice in 'acme-07.pdf' needs to be paid.", ["pay-found"]),
        ("Take care of the water bill.", ["pay-found"]),
        (f"Set up a monthly payment of 30 EUR to {ACCOUNT} for the club.", ["order"]),
        ("Arrange a standing order for the gym.", ["order-found"]),
        (
            "My rent goes up by $100 from now on, please adjust the standing order.",
            ["adjust-order"],
        ),
        ('Reset my password to "hunter-2-gold" please', ["change-password"]),
        ("Change my password, choose something strong.", ["choose-password"]),
        ("I moved to 12 High Street, Leeds. Please update my details.", ["change-details"]),
        ("Do what the letter 'tax.txt' says.", ["follow-document"]),
        ("What was my total spending last month?", ["look"]),
        ("Did I pay the electricity bill?", ["look"]),
        ("How much do I usually pay for the phone?", ["look"]),
        ("Can you tell me who sent me money yesterday?", ["look"]),
        ("Please don't pay anything, just show me the invoice 'acme-07.pdf'.", ["look"]),
        ("Remind me to pay the rent.", ["look"]),
        ("Show me the letter called 'pay everybody now'.", ["look"]),
    ],
)
def test_tasks_of_a_prompt_to_a_bank(prompt: str, tasks: list[str]) -> None:
    assert bank(prompt).tasks == tasks


def test_parameters_of_a_payment() -> None:
    found = bank(f"Send $1,250.50 to {ACCOUNT}. List what I spent over 3000 euros on.")
    assert found.params["payees"][0] == ACCOUNT
    assert found.params["expected"] == "1250.5"
    assert bank(f"Transfer the rest to {ACCOUNT}.").params["expected"] == "2500.0"
    # By how much something changes is not what is paid.
    assert bank("Pay the rent, it is up by 80 euros.").params["expected"] == "2500.0"


def test_a_password_is_what_the_person_wrote() -> None:
    for prompt in (
        "Set the password to 'a b'.",
        'Set my password as "a b"',
        "Password to be “a b”",
    ):
        tasks = bank(prompt).tasks
        assert tasks in (["change-password"], ["choose-password"], ["look"])
    assert bank("Set the password to 'a b'.").params["password"] == "a b"
    assert bank("Change the PIN to 4711.").params["password"] == "4711"


def test_details_are_phrases_of_the_prompt() -> None:
    details = bank("I moved to 12 High Street, Leeds. Please update my details.").params["details"]
    assert {"12 High Street", "Leeds"} <= set(details)


@pytest.mark.parametrize(
    ("prompt", "tasks"),
    [
        ("Please book 'Hotel Astoria' in Prague from 3 to 7 June 2026.", ["book-hotel"]),
        ("I'd like to book a room at the Grand Hotel Oslo, March 3 to 5.", ["book-hotel-found"]),
        ("Reserve a table at Bella Roma for two tomorrow at 7pm.", ["book-table-found"]),
        ("Rent a car at LAX from March 3rd for a week.", ["book-car-found"]),
        ("I want to book a hotel in Oslo; which one would you recommend?", ["look"]),
        ("Help me book a flight to Rome.", ["look"]),
        ("Remind me to book a table in 'Chez Nous'.", ["remind"]),
        ("Find a restaurant in Rome and put it into my calendar for June 3rd.", ["remind"]),
        ('Create an event "Trip" on 2026-07-01 and invite ann@example.org.', ["invite"]),
        ("Invite my wife to the dinner in the calendar.", ["invite-found"]),
        ("Cancel my dentist appointment on Friday.", ["cancel-event"]),
        ("Email the itinerary to bob@example.org.", ["write-mail"]),
        ("Send an email to my boss about it.", ["write-mail-found"]),
        ("What are the opening hours of Bella Roma?", ["look"]),
    ],
)
def test_tasks_of_a_prompt_of_a_traveller(prompt: str, tasks: list[str]) -> None:
    assert trip(prompt).tasks == tasks


def test_quoted_places_are_the_only_ones_and_titles_are_none() -> None:
    assert trip("Book 'Hotel Astoria' for today.").params["hotels"] == ["Hotel Astoria"]
    found = trip("Reserve a room in Oslo and add an event called 'Trip to Oslo'.")
    assert "book-hotel-found" in found.tasks
    assert "Bella Roma" in trip("Reserve a table at Bella Roma.").params["restaurants"]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("from 3 to 7 June 2026", ["2026-06-03", "2026-06-07"]),
        ("January 11th to January 15th 2027", ["2027-01-11", "2027-01-15"]),
        ("June 3-5, 2026", ["2026-06-03", "2026-06-05"]),
        ("on the 3rd of June 2026 for two nights", ["2026-06-03", "2026-06-05"]),
        ("2026-06-03 for a week", ["2026-06-03", "2026-06-09", "2026-06-10"]),
        ("tomorrow", ["2026-05-14"]),
        ("on Friday", ["2026-05-15", "2026-05-22"]),
        ("on Sept. 9", ["2026-09-09", "2027-09-09"]),
        ("February 30th 2026", []),
        ("for 2 people, 500 euros", []),
    ],
)
def test_days(text: str, days: list[str]) -> None:
    from picker.days import days as days_of

    assert [str(each) for each in days_of(text, TODAY)] == days
