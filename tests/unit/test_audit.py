"""The audit of the installed packages believes a count, not a sentence."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import audit
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

FLAW = {"id": "CVE-2026-1", "fix_versions": ["2.0"]}


def report(clean: Iterable[str] = (), skipped: Iterable[str] = (), vulnerable: Iterable[str] = ()) -> dict[str, Any]:
    """What pip-audit prints."""
    return {
        "dependencies": [
            *({"name": name, "version": "1.0", "vulns": []} for name in clean),
            *({"name": name, "skip_reason": "not found and could not be audited"} for name in skipped),
            *({"name": name, "version": "1.0", "vulns": [FLAW]} for name in vulnerable),
        ]
    }


def test_as_many_audited_as_installed_passes() -> None:
    done = audit.verdict(report(clean=["a", "B_b"]), {"a", "b-b"})
    assert done == (0, "audited 2 of 2 installed packages: no known vulnerability")


def test_a_package_that_was_skipped_fails_and_is_named() -> None:
    """'No known vulnerabilities found' is what pip-audit itself would have said."""
    done = audit.verdict(report(clean=["a"], skipped=["b"]), {"a", "b", "c"})
    assert done == (1, "audited 1 of 3 installed packages, not b, c")


def test_a_vulnerable_package_fails_with_its_advisory() -> None:
    done = audit.verdict(report(clean=["a"], vulnerable=["b"]), {"a", "b"})
    assert done == (1, "b 1.0: CVE-2026-1, fixed in 2.0")


@pytest.mark.parametrize(
    "nothing", [None, report(), report(skipped=["a", "b"])], ids=["silent", "empty", "all skipped"]
)
def test_a_source_that_knows_nothing_is_skipped_aloud(nothing: dict[str, Any] | None) -> None:
    """Without network the check neither fails nor claims anything."""
    exit_code, line = audit.verdict(nothing, {"a", "b"})
    assert (exit_code, line.count("\n")) == (0, 0)
    assert line.startswith("audit skipped, no package was checked:")


@pytest.mark.parametrize("answer", ["", "Traceback", None], ids=["nothing", "no JSON", "too late"])
def test_a_source_that_fails_or_hangs_is_no_answer(monkeypatch: pytest.MonkeyPatch, answer: str | None) -> None:
    def run(command: list[str], timeout: float, **_: Any) -> subprocess.CompletedProcess[str]:
        if answer is None:
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, 1, answer, "")

    monkeypatch.setattr(subprocess, "run", run)
    assert audit.asked() is None


def test_what_is_installed_is_counted_without_ourselves() -> None:
    assert {"click", "pip-audit"} <= audit.installed()
    assert "fleettickets" not in audit.installed()
