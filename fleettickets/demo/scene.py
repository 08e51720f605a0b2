"""What the demo and its web server tell each other, by files: the demo's clock, and whether the feed is broken."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fleettickets.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_SCENE: Final = "scene.json"
_BROKEN: Final = "feed-is-broken"


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the demo stands."""

    began: datetime
    """When this demo began, by the wall clock: tells it from the one before."""
    now: datetime
    phase: str
    """`replay` until the story has reached the present, then `live`."""
    explain: str | None = None
    """A command to type in another terminal."""


def tell(home: Path, scene: Scene) -> None:
    """Set the scene for the web server."""
    fresh = home / f"{_SCENE}.new"
    fresh.write_text(json.dumps(asdict(scene), default=datetime.isoformat), encoding="utf-8")
    fresh.replace(home / _SCENE)


def told(home: Path) -> Scene:
    """The scene as the demo set it last."""
    try:
        known: dict[str, Any] = json.loads((home / _SCENE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no demo plays in {home}") from None
    began, now = (datetime.fromisoformat(known[name]).astimezone(UTC) for name in ("began", "now"))
    return Scene(began, now, known["phase"], known["explain"])


def is_broken(home: Path) -> bool:
    """Whether exports stay at the exporter."""
    return (home / _BROKEN).exists()


def break_feed(home: Path, *, broken: bool) -> None:
    """Let exports stay at the exporter, or let them go again."""
    if broken:
        (home / _BROKEN).touch()
    else:
        (home / _BROKEN).unlink(missing_ok=True)
