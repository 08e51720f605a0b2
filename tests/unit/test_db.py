"""Database addresses: whatever is wrong with one, the message helps and the password stays unseen."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleettickets import db
from fleettickets.errors import FleetticketsError, UpstreamError, UsageError

CANARY = "c4n4ry-S3cret"
HINT = "set DATABASE_URL=postgresql://USER:PASSWORD@HOST:PORT/DATABASE (see .env.example)"

UNREADABLE = {
    "another scheme": f"mysql://u:{CANARY}@127.0.0.1:1/d",
    "one slash": f"postgresql:/u:{CANARY}@127.0.0.1:1/d",
    "no address at all": CANARY,
    "quotes around it": f'"postgresql://u:{CANARY}@127.0.0.1:1/d"',
    "a space before it": f" postgresql://u:{CANARY}@127.0.0.1:1/d",
    "a percent sign that encodes nothing": f"postgresql://u:{CANARY}%zz@127.0.0.1:1/d",
    "an encoded NUL": f"postgresql://u:{CANARY}%00@127.0.0.1:1/d",
    "an '@' at the password's end": f"postgresql://u:{CANARY}@@127.0.0.1:1/d",
    "an '@' behind the secret": f"postgresql://u:{CANARY}@x@127.0.0.1:1/d",
    "a space in the password": f"postgresql://u:{CANARY} x@127.0.0.1:1/d",
    "a bracket that is never closed": f"postgresql://u:{CANARY}@[::1/d",
    "an unknown parameter": f"postgresql://u:{CANARY}@127.0.0.1:1/d?nonsense=1",
    "key=value with an open quote": f"host=127.0.0.1 port=1 password='{CANARY} dbname=d",
    "key=value with a space in the password": f"host=127.0.0.1 port=1 password={CANARY} x dbname=d",
}
"""Addresses that cannot be read: a usage error."""

UNUSABLE = {
    "nobody listens": f"postgresql://u:{CANARY}@127.0.0.1:1/d",
    "key=value": f"host=127.0.0.1 port=1 user=u password={CANARY} dbname=d",
    "key=value, quoted": f"host=127.0.0.1 port=1 password='{CANARY} it''s' dbname=d".replace("''", "\\'"),
    "the password as a parameter": f"postgresql://127.0.0.1:1/d?password={CANARY}",
    "a newline in the password": f"postgresql://u:{CANARY}\n@127.0.0.1:1/d",
    "the password as the user": f"postgresql://u%20{CANARY}@127.0.0.1:1/d",
    "an encoded password": f"postgresql://u:{quote(CANARY + '@/:?#% ü', safe='')}@127.0.0.1:1/d",
    "no host": f"postgresql://u:{CANARY}@:1/d",
    "a port of eleven digits": f"postgresql://u:{CANARY}@127.0.0.1:99999999999/d",
    "a port above 65535": f"postgresql://u:{CANARY}@127.0.0.1:70000/d",
    "a port of letters": f"postgresql://u:{CANARY}@127.0.0.1:abc/d",
    "unicode everywhere": f"postgresql://ü:{CANARY}ß@127.0.0.1:1/dätenbänk",
    "an unknown sslmode": f"postgresql://u:{CANARY}@127.0.0.1:1/d?sslmode=maybe",
    "fewer ports than hosts": f"postgresql://u:{CANARY}@127.0.0.1,127.0.0.1,127.0.0.1/d?port=1,2",
}
"""Addresses that can be read but lead nowhere."""


@pytest.mark.parametrize("url", UNREADABLE.values(), ids=UNREADABLE)
def test_an_address_that_cannot_be_read_is_a_usage_error_without_the_password(url: str) -> None:
    """The message says what to set and quotes nothing of what was given."""
    with pytest.raises(UsageError) as refused:
        db.connect(url)
    _is_one_helpful_line(refused.value)
    assert "DATABASE_URL cannot be read as a PostgreSQL address" in str(refused.value)


@pytest.mark.parametrize("url", UNUSABLE.values(), ids=UNUSABLE)
def test_an_address_that_leads_nowhere_is_one_line_without_the_password(url: str) -> None:
    """The message says what was tried and what to set."""
    with pytest.raises((UpstreamError, UsageError)) as refused:
        db.connect(url)
    _is_one_helpful_line(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:x@{CANARY}@127.0.0.1:1/d",
        f"postgresql://u:{CANARY}/x@127.0.0.1:1/d",
        f"postgresql://u:1234/{CANARY}@127.0.0.1:1/d",
        f"postgresql://u:x@{CANARY}/y@127.0.0.1:1/d",
    ],
    ids=["secret behind an @", "secret before a slash", "secret behind a slash", "secret between both"],
)
def test_a_password_that_is_not_percent_encoded_stays_unseen(url: str) -> None:
    """An '@' or '/' moves a part of the password to where the host, the port or the name is expected."""
    with pytest.raises(FleetticketsError) as refused:
        db.connect(url)
    _is_one_helpful_line(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{CANARY}?x@127.0.0.1:1/d",
        f"postgresql://u:{CANARY}#x@127.0.0.1:1/d",
        f"postgresql://127.0.0.1:1/d?user=me@server&password={CANARY}",
    ],
    ids=["question mark in the password", "hash in the password", "@ in a parameter"],
)
def test_an_address_that_libpq_understands_is_not_refused(url: str) -> None:
    """What psql connects with works here too."""
    with pytest.raises(UpstreamError, match=r"the database 'd' at 127.0.0.1:1 cannot be used") as refused:
        db.connect(url)
    _is_one_helpful_line(refused.value)


def test_an_address_that_is_no_utf_8_is_a_usage_error() -> None:
    """A byte that is no UTF-8 comes out of the environment as a lone surrogate."""
    with pytest.raises(UsageError) as refused:
        db.connect(f"postgresql://u:{CANARY}\udcff@127.0.0.1:1/d")
    _is_one_helpful_line(refused.value)


def test_the_cause_of_the_error_is_not_carried_along() -> None:
    """A traceback (-v) must not print psycopg's error, which may quote the address."""
    with pytest.raises(UpstreamError) as refused:
        db.connect(f"postgresql://u:{CANARY}@127.0.0.1:1/d")
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_the_message_says_which_database_was_tried_and_where() -> None:
    """A wrong address is seen at a glance."""
    with pytest.raises(UpstreamError) as refused:
        db.connect(f"postgresql://u:{CANARY}@127.0.0.1:1/fleet")
    assert str(refused.value).startswith("the database 'fleet' at 127.0.0.1:1 cannot be used: ")


@given(secret=st.text(st.characters(codec="utf-8", exclude_characters="*%", exclude_categories=["C", "Z"]), min_size=4))
def test_redacted_leaves_no_form_of_the_password(secret: str) -> None:
    """The address, the password and its encoded form all become stars; the words around them stay."""
    encoded = quote(secret, safe="")
    url = f"postgresql://u:{encoded}@127.0.0.1:1/d"
    assert db.redacted(f"A {url}\nB {secret}\tC {encoded} D", url) == "A ******** B ******** C ******** D"


@pytest.mark.parametrize(
    ("text", "url", "expected"),
    [
        ("bad: p%40ss p@ss", "postgresql://u:p%40ss@h/d", "bad: ******** ********"),
        ("bad postgresql://u:p@h/d", "postgresql://u:p@h/d", "bad ********"),
        ("bad: it's", "host=h password='it\\'s'", "bad: ********"),
        ("one\n\ttwo   three\r\n", "postgresql://h/d", "one two three"),
        ("nothing to hide", "postgresql://u@h/d", "nothing to hide"),
        ("bad: 100%25 and 100%", "postgresql://u:100%25@h/d", "bad: ******** and ********"),
        (f"bad: {CANARY}", CANARY, "bad: ********"),
        ("", "", ""),
    ],
)
def test_redacted_blanks_the_secret_and_keeps_the_rest(text: str, url: str, expected: str) -> None:
    """What is no secret stays readable."""
    assert db.redacted(text, url) == expected


def _is_one_helpful_line(error: FleetticketsError) -> None:
    text = str(error)
    assert CANARY not in text
    assert "\n" not in text
    assert text.endswith(HINT)
    assert not text.startswith(HINT)
