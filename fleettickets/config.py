"""Settings: one frozen record, read once, each value with the place it came from.

Precedence: flag > FLEETTICKETS_* > the shared names (DATABASE_URL, RUSTFS_*) > .env > fleettickets.toml > default.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from dotenv import dotenv_values

from fleettickets.errors import UsageError
from fleettickets.redact import learn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: its field, the shared environment name beside FLEETTICKETS_<FIELD>, its default."""

    name: str
    meaning: str
    shared_name: str | None = None
    default: str | None = None
    secret: bool = False

    @property
    def own_name(self) -> str:
        """The environment name nobody else uses."""
        return f"FLEETTICKETS_{self.name.upper()}"


OPTIONS: Final = (
    Option(
        "database_url",
        "PostgreSQL 15+ with PostGIS 3.3+; unset: the private cluster of this folder",
        "DATABASE_URL",
        secret=True,
    ),
    Option(
        "s3_endpoint_url",
        "S3-compatible store; unset: the private store of this folder",
        "RUSTFS_ENDPOINT_URL",
    ),
    Option("s3_access_key", "access key of the store", "RUSTFS_ACCESS_KEY", secret=True),
    Option("s3_secret_key", "secret key of the store", "RUSTFS_SECRET_KEY", secret=True),
    Option("s3_bucket", "bucket the export writes into", "RUSTFS_BUCKET", "isptickets"),
    Option("s3_region", "region name the store expects", "RUSTFS_REGION", "us-east-1"),
    Option("embedded", "auto: start private servers when no address is set; never: refuse", default="auto"),
    Option("deadline_s", "seconds after which a file that does not come or load is given up", default="60"),
    Option("router", "osrm or valhalla for driving times by road; unset: straight lines with a detour"),
    Option("router_url", "address of the router"),
    Option("positions_view", "view that holds the vehicles' newest positions, e.g. reporting.v_live_positions"),
    Option("positions_columns", "its columns where they have other names: lat=y,lon=x"),
    Option("positions_database_url", "database of that view, or of Traccar; unset: DATABASE_URL", secret=True),
    Option("tracksolid_url", "address of the Tracksolid Pro API"),
    Option("tracksolid_app_key", "its application key"),
    Option("tracksolid_app_secret", "its application secret", secret=True),
    Option("tracksolid_user", "its user"),
    Option("tracksolid_password_md5", "MD5 of the user's password", secret=True),
    Option("tracksolid_accounts", "accounts whose devices are asked for, comma separated; unset: the user's own"),
    Option("home", "folder of the private servers", default=".fleettickets"),
    Option(
        "geocoder_provider",
        "locationiq, opencage, nominatim, photon, gazetteer; a comma list is an order of fallback; "
        "unset: those whose key is set, else the embedded gazetteer",
        "GEOCODER_PROVIDER",
    ),
    Option("geocoder_api_key", "key of the providers without a key of their own", "GEOCODER_API_KEY", secret=True),
    Option("locationiq_api_key", "key of LocationIQ", "LOCATIONIQ_API_KEY", secret=True),
    Option("opencage_api_key", "key of OpenCage", "OPENCAGE_API_KEY", secret=True),
    Option(
        "geocoder_base_url",
        "address of the provider (nominatim and photon need one); NAME=URL,NAME=URL for several",
        "GEOCODER_BASE_URL",
    ),
    Option("geocoder_daily_limit", "requests a UTC day and provider; unset: the free plan's", "GEOCODER_DAILY_LIMIT"),
    Option("geocoder_plan", "free: answers are kept as long as the free plan allows; paid: for ever", default="free"),
    Option("geocoder_fallback_on_empty", "yes: ask the next provider when one knows no match", default="no"),
    Option("api_origins", "origins (https://HOST, comma separated) whose pages may read the API with a token"),
    Option("api_rate_per_s", "requests a second that one caller may make of the API; 0: no limit", default="50"),
    Option("basemap_url", "style or PMTiles address of a hosted basemap; unset: the built-in one, no request leaves"),
    Option("web_folder", "folder with a built web app; unset: the one in the package"),
)
_BY_NAME: Final = {option.name: option for option in OPTIONS}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the commands need to know about the world."""

    database_url: str | None = field(repr=False)
    s3_endpoint_url: str | None
    s3_access_key: str | None = field(repr=False)
    s3_secret_key: str | None = field(repr=False)
    s3_bucket: str
    s3_region: str
    embedded: str
    deadline_s: float
    router: str | None
    router_url: str | None
    positions_view: str | None
    positions_columns: str | None
    positions_database_url: str | None = field(repr=False)
    tracksolid_url: str | None
    tracksolid_app_key: str | None
    tracksolid_app_secret: str | None = field(repr=False)
    tracksolid_user: str | None
    tracksolid_password_md5: str | None = field(repr=False)
    tracksolid_accounts: str | None
    home: str
    geocoder_provider: str | None
    geocoder_api_key: str | None = field(repr=False)
    locationiq_api_key: str | None = field(repr=False)
    opencage_api_key: str | None = field(repr=False)
    geocoder_base_url: str | None
    geocoder_daily_limit: str | None
    geocoder_plan: str
    geocoder_fallback_on_empty: str
    api_origins: str | None
    api_rate_per_s: str
    basemap_url: str | None
    web_folder: str | None
    origins: Mapping[str, str] = field(repr=False)


def load(
    folder: Path,
    environ: Mapping[str, str],
    *,
    env_file: Path | None = None,
    flags: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings that hold in `folder`; a file that cannot be read is a UsageError."""
    sources = (
        ("flag", dict(flags or {})),
        ("environment", _from_environment(environ)),
        (env_file.name if env_file else ".env", _from_env_file(env_file or folder / ".env", env_file)),
        ("fleettickets.toml", _from_toml(folder / "fleettickets.toml")),
    )
    values: dict[str, str | None] = {}
    origins: dict[str, str] = {}
    for option in OPTIONS:
        if option.secret:
            learn(*(found.get(option.name) for _, found in sources))
        values[option.name], origins[option.name] = option.default, "default"
        for origin, found in sources:
            if found.get(option.name):
                values[option.name], origins[option.name] = found[option.name], origin
                break
    if values["embedded"] not in {"auto", "never"}:
        raise UsageError(f"FLEETTICKETS_EMBEDDED is {values['embedded']!r}: set it to 'auto' or 'never'")
    deadline_s = _positive("deadline_s", values.pop("deadline_s"))
    return Settings(**values, deadline_s=deadline_s, origins=origins)  # type: ignore[arg-type]  # defaults fill the rest


def shown(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, value fit for a screen (secrets masked) and origin of every setting."""
    return [
        (option.name, _masked(option, getattr(settings, option.name)), settings.origins[option.name])
        for option in OPTIONS
    ]


def _masked(option: Option, value: object) -> str:
    if value is None:
        return "(not set)"
    return "********" if option.secret else str(value)


def _positive(name: str, text: str | None) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise UsageError(f"{_BY_NAME[name].own_name} is {text!r}: set it to a number of seconds")
    return number


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for option in OPTIONS:
        for name in (option.own_name, option.shared_name):
            if name and environ.get(name):
                found[option.name] = environ[name]
                break
    return found


def _from_env_file(path: Path, demanded: Path | None) -> dict[str, str]:
    if not path.is_file():
        if demanded:
            raise UsageError(f"{path} is not a file: give --env-file a file like .env.example")
        return {}
    try:
        values = dotenv_values(path, encoding="utf-8", interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({type(error).__name__}): see .env.example") from error
    return _from_environment({name: value for name, value in values.items() if value})


def _from_toml(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    unknown = sorted(set(found) - set(_BY_NAME))
    if unknown:
        raise UsageError(f"{path} has unknown settings {', '.join(unknown)}; known: {', '.join(_BY_NAME)}")
    return {name: str(value) for name, value in found.items()}
