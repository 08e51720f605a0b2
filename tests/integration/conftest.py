"""The HTTP server in front of a test's database."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from apiserver import drained, fill, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from apiserver import Api

    from fleettickets.report import RunReport

    Drain = Callable[..., RunReport]


@pytest.fixture
def drain(database_url: str) -> Drain:
    """Call it with a time and rows to ingest them as one export."""
    return partial(drained, database_url)


@pytest.fixture
def api(database_url: str) -> Iterator[Api]:
    """A running server without tokens, on loopback, in front of an empty database."""
    with serving(database_url) as running:
        yield running


@pytest.fixture
def filled(api: Api) -> Api:
    """A server in front of a few tickets of both datasets, for a test that changes them."""
    fill(api.database_url)
    api.caught_up()
    return api


@pytest.fixture(scope="module")
def shown(migrated_database: Callable[[], AbstractContextManager[str]]) -> Iterator[Api]:
    """The same for tests that only look."""
    with migrated_database() as url:
        fill(url)
        with serving(url) as running:
            yield running


@pytest.fixture(scope="module")
def guarded(migrated_database: Callable[[], AbstractContextManager[str]]) -> Iterator[Api]:
    """The same where a token is needed."""
    with migrated_database() as url:
        fill(url)
        with serving(url) as running:
            running.token("read", name="first")
            yield running
