"""Secrets are blanked wherever words leave the process: errors, documents, tracebacks, logs of any library."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleettickets import config, redact
from fleettickets.commands.ending import run
from fleettickets.config import OPTIONS, Option
from fleettickets.errors import FleetticketsError, UpstreamError

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = [option for option in OPTIONS if option.secret]
CANARY = "c4n4ry-S3cret"
ANY = st.text(st.characters(exclude_characters="*"))


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins knowing no secret."""
    monkeypatch.setattr(redact, "_known", set())


def failing(error: Exception, cause: Exception | None = None) -> click.Command:
    """A command that ends in this error."""

    @click.command(context_settings={"ignore_unknown_options": True})
    @click.argument("rest", nargs=-1)
    def fails(rest: tuple[str, ...]) -> None:  # noqa: ARG001  # takes whatever is given
        raise error from cause

    return fails


@pytest.mark.parametrize("option", SECRETS, ids=lambda option: option.name)
@pytest.mark.parametrize("place", ["environment", "file", "toml"])
def test_a_secret_setting_is_seen_in_no_output_of_a_failure(
    option: Option, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever setting says secret=True, wherever it stands: neither our words nor a library's show it."""
    environ = {option.own_name: CANARY} if place == "environment" else {}
    if place == "file":
        (tmp_path / ".env").write_text(f"{option.own_name}={CANARY}\n", encoding="utf-8")
    if place == "toml":
        (tmp_path / "fleettickets.toml").write_text(f"{option.name} = '{CANARY}'\n", encoding="utf-8")
    config.load(tmp_path, environ)
    library = RuntimeError(f"GET http://provider/search?key={CANARY}&q=x failed")
    for error in (UpstreamError(f"no answer with {CANARY}"), library):
        assert run(failing(error, library), ["-v", "--json"]) == (7 if isinstance(error, UpstreamError) else 1)
        printed = capsys.readouterr()
        assert "Traceback" in printed.err
        assert "provider/search?key=********&q=x failed" in printed.err
        assert json.loads(printed.out)["exit_code"]
        assert CANARY not in printed.out + printed.err


def test_a_secret_is_seen_in_no_log_of_any_library(caplog: pytest.LogCaptureFixture) -> None:
    """An HTTP client logs the address of each call at INFO, key included."""
    usual = logging.getLogRecordFactory()
    redact.learn(CANARY)
    redact.guard_logging()
    try:
        with caplog.at_level(logging.DEBUG):
            logging.getLogger("some.client").info("HTTP Request: GET %s", f"http://provider/?key={CANARY}")
            try:
                raise ValueError(CANARY)
            except ValueError:
                logging.getLogger("some.client").exception("failed")
    finally:
        logging.setLogRecordFactory(usual)
    assert "http://provider/?key=********" in caplog.text
    assert "ValueError: ********" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://u:{CANARY}@127.0.0.1:1/d",
        f"postgresql://u:x@{CANARY}@127.0.0.1:1/d",
        f"postgresql://u:{CANARY}/x@127.0.0.1:1/d",
        f"mysql://u:{CANARY}@127.0.0.1/d",
        f"postgresql:/u:{CANARY}@127.0.0.1/d",
        f"postgresql://u:{CANARY}%zz@127.0.0.1/d",
        f"postgresql://h/d?user=u&password={CANARY}&sslmode=require",
        f"host=h user=u password='{CANARY}' dbname=d",
        f"host=h user=u password={CANARY}",
        f"postgresql://u:{quote(CANARY + '@ü', safe='')}@h/d",
    ],
)
def test_of_an_address_the_password_is_a_secret_in_every_form(address: str) -> None:
    """A driver that quotes only a part of a malformed address shows nothing either."""
    redact.learn(address)
    torn = f'could not translate host name "{CANARY}@127.0.0.1", {quote(CANARY, safe="")} or {address}'
    assert CANARY not in redact.redacted(torn)
    assert CANARY not in str(FleetticketsError(f"bad part: {CANARY}"))


@given(text=ANY, secret=st.text(st.characters(exclude_characters="*"), min_size=4))
def test_redacted_text_holds_no_secret_and_keeps_the_rest(text: str, secret: str) -> None:
    """Also where secrets overlap; a text without one is unchanged."""
    redact._known.clear()  # noqa: SLF001  # Hypothesis runs many examples in one test
    assert redact.redacted(text) == text
    redact.learn(secret)
    assert secret not in redact.redacted(f"{text}{secret}{text}")


def test_words_too_short_for_a_secret_are_left_readable() -> None:
    """An empty or a three-letter key must not turn every line into stars."""
    redact.learn("", None, "inc")
    assert redact.redacted("inc: 3 files") == "inc: 3 files"
