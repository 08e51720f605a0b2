"""Named points at which the fault tests kill, stop or slow the process; nothing happens unless they ask for it.

FLEETTICKETS_FAILPOINT=committed:kill kills the process at the point `committed`; read:sleep:3 waits there
three seconds; both only at the first time the point is reached.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Final

POINTS: Final = ("read", "copying", "precommit", "committed", "copied", "migrating")
GEOCODING_POINTS: Final = ("asking", "asked", "decided")
"""Before a request is sent, after its answer came, after a decision that is not written yet."""

_spent: set[str] = set()


def reached(point: str) -> None:
    """Do what the environment asks for at this point, once."""
    wanted = os.environ.get("FLEETTICKETS_FAILPOINT")
    if not wanted or point in _spent:
        return
    name, action, *argument = wanted.split(":")
    if name != point:
        return
    _spent.add(point)
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "sleep":
        time.sleep(float(argument[0]))
