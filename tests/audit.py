"""Known vulnerabilities of the installed packages: python tests/audit.py, a part of make check.

pip-audit says 'No known vulnerabilities found' also when it could look up none of them. So this counts: audited must
be installed. Where the source of advisories does not answer, the check is skipped with one line that says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

OURSELVES = "fleettickets"
PROBE = "click"
SOCKET_TIMEOUT_S = 5
WHOLE_TIMEOUT_S = 90
SKIPPED = "audit skipped, no package was checked:"

Report = dict[str, Any]


def main() -> int:
    """Print one line, or one a vulnerable package; the exit code."""
    exit_code, text = verdict(None, set()) if asked(probe=True) is None else verdict(asked(), installed())
    sys.stdout.write(f"{text}\n")
    return exit_code


def installed() -> set[str]:
    """The names of all installed packages but this one."""
    return {_normal(found.metadata["Name"]) for found in metadata.distributions()} - {OURSELVES}


def verdict(report: Report | None, wanted: set[str]) -> tuple[int, str]:
    """The exit code and what to print; None is a source that did not answer."""
    found = [] if report is None else report["dependencies"]
    audited = {_normal(one["name"]) for one in found if "skip_reason" not in one} & wanted
    if not audited:
        return 0, f"{SKIPPED} the source of advisories does not answer, or knows none of them"
    bad = [
        f"{one['name']} {one['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in found
        for flaw in one.get("vulns", ())
    ]
    if bad:
        return 1, "\n".join(bad)
    missing = sorted(wanted - audited)
    if missing:
        return 1, f"audited {len(audited)} of {len(wanted)} installed packages, not {', '.join(missing)}"
    return 0, f"audited {len(audited)} of {len(wanted)} installed packages: no known vulnerability"


def asked(*, probe: bool = False) -> Report | None:
    """What pip-audit reports on this environment, or with `probe` on one package of it; None without an answer."""
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.txt"
        one.write_text(f"{PROBE}=={metadata.version(PROBE)}\n", encoding="utf-8")
        what = ["-r", str(one), "--no-deps", "--disable-pip"] if probe else ["--skip-editable"]
        command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
        command += ["--timeout", str(SOCKET_TIMEOUT_S), *what]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=WHOLE_TIMEOUT_S, check=False)
            report: Report = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, json.JSONDecodeError):
            return None
    if probe and all("skip_reason" in found for found in report["dependencies"]):
        return None
    return report


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    sys.exit(main())
