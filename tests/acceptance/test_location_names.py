"""Worked location names through the rules of a migrated database, and the command that explains one."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fleettickets.geocode import rules
from fleettickets.geocode.names import Name, clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleettickets.db import Connection
    from fleettickets.geocode.rules import Rules

    Shell = Callable[..., Any]

CASES = Path(os.environ.get("FLEETTICKETS_CASES") or Path(__file__).parents[1] / "cases")
VALUES = ("unit", "alt")
"""What stands in the flags column with a value; a value may hold commas and semicolons."""


def rows() -> list[dict[str, str]]:
    """Every case of every *location_names.csv of the folder."""
    found = []
    for path in sorted(CASES.glob("*location_names.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            found += list(csv.DictReader(lines))
    return found


def expected_flags(column: str) -> tuple[set[str], dict[str, str]]:
    """The flags column as words and values: 'landmark; unit=BLK C; HSE 14' is landmark, and unit BLK C; HSE 14."""
    words: set[str] = set()
    values: dict[str, str] = {}
    last: str | None = None
    for chunk in (piece.strip() for piece in column.split(";")):
        name, equals, value = chunk.partition("=")
        if equals and name in VALUES:
            last, values[name] = name, value
        elif last and chunk.isupper():
            values[last] += f"; {chunk}"
        elif chunk:
            words |= set(chunk.replace(",", " ").split())
            last = None
    return words, values


def actual_flags(name: Name) -> tuple[set[str], dict[str, str]]:
    """What the reading says, in the same shape."""
    values = {label: value for label in VALUES if (value := getattr(name, label))}
    return {*name.flags, *([name.reason] if name.reason else [])}, values


@pytest.fixture(scope="module")
def database_rules(shared_connection: Connection) -> Rules:
    """The rules as a migrated database holds them."""
    return rules.read(shared_connection)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['raw']!r} in {row['cluster']}")
def test_a_worked_name_gives_its_answer(row: dict[str, str], database_rules: Rules) -> None:
    """Kind, place and flags are those of the case, by the rules of the database."""
    name = clean(row["raw"], row["cluster"], database_rules)
    assert (name.kind.value, name.place or "") == (row["kind"], row["place"]), (row["why"], name.steps)
    words, values = expected_flags(row["flags"])
    actual_words, actual_values = actual_flags(name)
    if name.reason == "unit_only" and "unit" not in values:
        actual_values.pop("unit")  # a unit alone goes without saying which
    assert (actual_words, actual_values) == (words, values), (row["why"], name.steps)


@pytest.mark.skipif("FLEETTICKETS_CASES" in os.environ, reason="how many cases a folder holds is its owner's affair")
def test_there_are_cases() -> None:
    """An empty folder would make every rule above hold."""
    assert len(rows()) >= 40


def test_the_database_is_seeded_with_the_rules_of_the_package(shared_connection: Connection) -> None:
    """The migration and name_rules.csv are one source."""
    assert set(rules.read(shared_connection).rows) == set(rules.seeded().rows)


def test_explain_shows_each_step_and_what_would_be_asked(shell: Shell) -> None:
    """A person reads how a name was understood."""
    done = shell("fleettickets", "geocode", "explain", "FDT4_UMOJA_INNERCORE", "--cluster", "UMOJA")
    assert done.exit_code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "name      'FDT4_UMOJA_INNERCORE' in UMOJA"
    assert "kind      PLACE" in lines
    assert [line for line in lines if line.startswith("ask")] == [
        "ask 1     Innercore, Umoja  (as written)",
        "ask 2     Innercore  (specific part alone)",
        "ask 3     Umoja  (area alone; at most area)",
    ]


def test_explain_speaks_json(shell: Shell) -> None:
    """One document, whatever the name."""
    done = shell("fleettickets", "--json", "geocode", "explain", "HSE 14 MSA RD")
    document = json.loads(done.out)
    assert (document["kind"], document["reason"], document["unit"], document["ask"]) == (
        "NOTHING",
        "linear_feature",
        "HSE 14",
        [],
    )


def test_an_edited_rule_changes_the_reading(shell: Shell, connection: Connection) -> None:
    """The table is what people edit; the same name reads differently at once."""
    connection.execute(
        "INSERT INTO tickets.geo_name_rules (kind, pattern, value) VALUES ('alias', 'blue gate', 'Fedha')"
    )
    done = shell("fleettickets", "--json", "geocode", "explain", "NEAR BLUE GATE", "--cluster", "EMBAKASI")
    assert json.loads(done.out)["place"] == "Fedha"


def test_explain_needs_no_database_with_the_rules_as_shipped(shell: Shell) -> None:
    """--seeded connects nowhere."""
    done = shell("fleettickets", "geocode", "explain", "KASARANI", "--seeded", env={"DATABASE_URL": None})
    assert (done.exit_code, "kind      PLACE" in done.out) == (0, True)


def test_explain_without_the_schema_says_what_to_type(shell: Shell, empty_database_url: str) -> None:
    """A database that was never migrated is a usage error, in one line."""
    done = shell("fleettickets", "geocode", "explain", "KASARANI", env={"DATABASE_URL": empty_database_url})
    assert done.exit_code == 2
    assert done.err.strip().endswith("run python run_migrations.py, or add --seeded")
