"""The worked examples of SLA, windows, metrics and freshness, through the real engine and the SQL functions."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sla_cases import ADAPTERS, forget_everything

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleettickets.db import Connection
    from fleettickets.demo.stack import Stack

FOLDER = Path(os.environ.get("FLEETTICKETS_CASES") or Path(__file__).parents[1] / "cases")
CASES = json.loads((FOLDER / "sla_cases.json").read_text(encoding="utf-8"))["cases"]


@pytest.fixture(scope="module")
def address(shared_connection: Connection, servers: Stack) -> Iterator[str]:
    """The address of one database for all cases; each begins with empty tables."""
    yield psycopg.conninfo.make_conninfo(servers.database_url or "", dbname=shared_connection.info.dbname)
    forget_everything(shared_connection)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case(shared_connection: Connection, address: str, case: dict[str, Any]) -> None:
    """The answer holds what the case expects."""
    forget_everything(shared_connection)
    answer = ADAPTERS[case["group"]](shared_connection, address, case)
    assert _differences(case["expect"], answer) == [], case["why"]


def _differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where `found` does not hold `expected`: objects may hold more, lists and values may not differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        missing = [f"{path}/{name} is missing" for name in expected if name not in found]
        return missing + [
            difference
            for name in expected
            if name in found
            for difference in _differences(expected[name], found[name], f"{path}/{name}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            difference
            for at, (one, other) in enumerate(zip(expected, found, strict=True))
            for difference in _differences(one, other, f"{path}[{at}]")
        ]
    return [] if _value(expected) == _value(found) else [f"{path}: {found!r}, expected {expected!r}"]


def _value(value: Any) -> Any:
    """Instants compare as instants, in whatever zone they are written."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value
    except ValueError:
        return value
