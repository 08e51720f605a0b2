"""Settings: who wins, where a value comes from, and what is never shown."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleettickets import config
from fleettickets.config import OPTIONS, Option, Settings
from fleettickets.errors import UsageError

CANARY = "c4n4ry-S3cret"
SECRETS = [option for option in OPTIONS if option.secret]
SHARED = [option for option in OPTIONS if option.shared_name]

FLAG, OWN, SHARED_NAME, OWN_IN_FILE, SHARED_IN_FILE, TOML = PLACES = (
    "flag",
    "FLEETTICKETS_* in the environment",
    "shared name in the environment",
    "FLEETTICKETS_* in .env",
    "shared name in .env",
    "fleettickets.toml",
)
"""From the strongest to the weakest."""

ORIGINS = {
    FLAG: "flag",
    OWN: "environment",
    SHARED_NAME: "environment",
    OWN_IN_FILE: ".env",
    SHARED_IN_FILE: ".env",
    TOML: "fleettickets.toml",
}


def value_of(option: Option, place: str) -> str:
    """A value that tells where it was written; of two words where only two are allowed, a number where one is."""
    at = PLACES.index(place)
    if option.name == "embedded":
        return "never" if at % 2 else "auto"
    return f"{at + 1}.5" if option.name == "deadline_s" else f"{option.name}-from-{at}"


def written(folder: Path, choice: dict[str, dict[str, str]]) -> Settings:
    """The settings read from `choice`: the place, then the setting, then its value."""
    shared_names = {option.name: option.shared_name for option in OPTIONS}

    def named(own: str, shared: str) -> dict[str, str]:
        owned = {f"FLEETTICKETS_{name.upper()}": value for name, value in choice.get(own, {}).items()}
        return owned | {shared_names[name] or "": value for name, value in choice.get(shared, {}).items()}

    env_lines = [f"{name}='{value}'" for name, value in named(OWN_IN_FILE, SHARED_IN_FILE).items()]
    toml_lines = [f"{name} = '{value}'" for name, value in choice.get(TOML, {}).items()]
    (folder / ".env").write_text("\n".join(env_lines), encoding="utf-8")
    (folder / "fleettickets.toml").write_text("\n".join(toml_lines), encoding="utf-8")
    return config.load(folder, named(OWN, SHARED_NAME), flags=choice.get(FLAG))


def places_of(option: Option) -> list[str]:
    """Where this setting can be written."""
    return [place for place in PLACES if option.shared_name or "shared" not in place]


@st.composite
def choices(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """For each setting any subset of the places it can be written in, some of them empty."""
    choice: dict[str, dict[str, str]] = {}
    for option in OPTIONS:
        for place in draw(st.lists(st.sampled_from(places_of(option)), unique=True)):
            value = draw(st.sampled_from([value_of(option, place), ""]))
            choice.setdefault(place, {})[option.name] = value
    return choice


@given(choice=choices())
def test_the_strongest_place_that_is_not_empty_wins(choice: dict[str, dict[str, str]]) -> None:
    """Flag > FLEETTICKETS_* > shared name > .env > fleettickets.toml > default; an empty value means unset."""
    with tempfile.TemporaryDirectory() as folder:
        settings = written(Path(folder), choice)
    for option in OPTIONS:
        filled = [place for place in PLACES if choice.get(place, {}).get(option.name)]
        expected = value_of(option, filled[0]) if filled else option.default
        if option.name == "deadline_s":
            assert settings.deadline_s == float(expected or "")
        else:
            assert getattr(settings, option.name) == expected, option.name
        assert settings.origins[option.name] == (ORIGINS[filled[0]] if filled else "default"), option.name


@given(choice=choices())
def test_what_is_shown_names_every_setting_and_no_secret(choice: dict[str, dict[str, str]]) -> None:
    """`shown` lists all settings in order with their origins; a secret that is set is stars."""
    with tempfile.TemporaryDirectory() as folder:
        settings = written(Path(folder), choice)
    rows = config.shown(settings)
    assert [name for name, _, _ in rows] == [option.name for option in OPTIONS]
    for option, (name, value, origin) in zip(OPTIONS, rows, strict=True):
        held = getattr(settings, name)
        assert origin == settings.origins[name]
        assert value == ("(not set)" if held is None else "********" if option.secret else str(held))


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    """An empty folder and an empty environment give a usable record."""
    settings = config.load(tmp_path, {})
    assert {option.name: getattr(settings, option.name) for option in OPTIONS} == {
        "database_url": None,
        "s3_endpoint_url": None,
        "s3_access_key": None,
        "s3_secret_key": None,
        "s3_bucket": "isptickets",
        "s3_region": "us-east-1",
        "embedded": "auto",
        "home": ".fleettickets",
        "deadline_s": 60.0,
        "router": None,
        "router_url": None,
        "positions_view": None,
        "positions_columns": None,
        "positions_database_url": None,
        "tracksolid_url": None,
        "tracksolid_app_key": None,
        "tracksolid_app_secret": None,
        "tracksolid_user": None,
        "tracksolid_password_md5": None,
        "tracksolid_accounts": None,
        "geocoder_provider": None,
        "geocoder_api_key": None,
        "locationiq_api_key": None,
        "opencage_api_key": None,
        "geocoder_base_url": None,
        "geocoder_daily_limit": None,
        "geocoder_plan": "free",
        "geocoder_fallback_on_empty": "no",
        "api_origins": None,
        "api_rate_per_s": "50",
        "basemap_url": None,
        "web_folder": None,
    }


@pytest.mark.parametrize("option", SECRETS, ids=lambda option: option.name)
def test_no_secret_in_repr(tmp_path: Path, option: Option) -> None:
    """A record that ends up in a log or a traceback says nothing."""
    settings = config.load(tmp_path, {option.own_name: CANARY})
    assert getattr(settings, option.name) == CANARY
    assert CANARY not in f"{settings!r} {settings} {replace(settings, home='other')!r}"
    assert all(CANARY not in " ".join(row) for row in config.shown(settings))


def test_the_secrets_are_the_address_and_the_keys() -> None:
    """What must be masked is written down twice, so that no one unmasks it by accident."""
    assert [option.name for option in SECRETS] == [
        "database_url",
        "s3_access_key",
        "s3_secret_key",
        "positions_database_url",
        "tracksolid_app_secret",
        "tracksolid_password_md5",
        "geocoder_api_key",
        "locationiq_api_key",
        "opencage_api_key",
    ]


def test_shared_names_are_those_deployments_set() -> None:
    """DATABASE_URL, RUSTFS_* and GEOCODER_* keep working."""
    assert {option.name: option.shared_name for option in SHARED} == {
        "database_url": "DATABASE_URL",
        "s3_endpoint_url": "RUSTFS_ENDPOINT_URL",
        "s3_access_key": "RUSTFS_ACCESS_KEY",
        "s3_secret_key": "RUSTFS_SECRET_KEY",
        "s3_bucket": "RUSTFS_BUCKET",
        "s3_region": "RUSTFS_REGION",
        "geocoder_provider": "GEOCODER_PROVIDER",
        "geocoder_api_key": "GEOCODER_API_KEY",
        "locationiq_api_key": "LOCATIONIQ_API_KEY",
        "opencage_api_key": "OPENCAGE_API_KEY",
        "geocoder_base_url": "GEOCODER_BASE_URL",
        "geocoder_daily_limit": "GEOCODER_DAILY_LIMIT",
    }


def test_a_named_env_file_replaces_the_usual_one(tmp_path: Path) -> None:
    """With --env-file the folder's .env is not read, and the origin is that file's name."""
    (tmp_path / ".env").write_text("RUSTFS_BUCKET=usual\nRUSTFS_REGION=usual", encoding="utf-8")
    (tmp_path / "prod.env").write_text("RUSTFS_BUCKET=named", encoding="utf-8")
    settings = config.load(tmp_path, {}, env_file=tmp_path / "prod.env")
    assert (settings.s3_bucket, settings.origins["s3_bucket"]) == ("named", "prod.env")
    assert (settings.s3_region, settings.origins["s3_region"]) == ("us-east-1", "default")


@pytest.mark.parametrize("value", ["a$b&c", "p#q", "back`tick", "x=y", "ünïcode", "two words"])
def test_the_env_file_is_parsed_and_not_run(tmp_path: Path, value: str) -> None:
    """A quoted password may hold what a shell would act on."""
    (tmp_path / ".env").write_text(f"RUSTFS_SECRET_KEY='{value}'\n", encoding="utf-8")
    assert config.load(tmp_path, {}).s3_secret_key == value


@pytest.mark.parametrize("line", ["RUSTFS_SECRET_KEY=ab${HOME}cd", 'RUSTFS_SECRET_KEY="ab${HOME}cd"'])
def test_a_value_of_the_env_file_is_taken_as_it_stands(tmp_path: Path, line: str) -> None:
    """Nothing but the file and the given environment decides a setting."""
    (tmp_path / ".env").write_text(f"{line}\n", encoding="utf-8")
    expected = "ab${HOME}cd"
    assert config.load(tmp_path, {}).s3_secret_key == expected


def test_an_unknown_toml_key_is_refused_by_name(tmp_path: Path) -> None:
    """A typo is not ignored: the error names the file, the key, and what would be known."""
    (tmp_path / "fleettickets.toml").write_text("s3_buckets = 'x'\nhome = 'y'\n", encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        config.load(tmp_path, {})
    assert f"{tmp_path / 'fleettickets.toml'} has unknown settings s3_buckets; known: " in str(refused.value)
    assert all(option.name in str(refused.value) for option in OPTIONS)


@pytest.mark.parametrize(
    "body",
    [
        f"database_url = '{CANARY}".encode(),
        f"database_url = {CANARY}".encode(),
        f"s3_secret_key = '{CANARY}'\ns3_secret_key = '{CANARY}'".encode(),
        f"s3_secret_key = '{CANARY}\xfc'".encode("latin-1"),
        b"\xff\xfe\x00",
    ],
    ids=["open quote", "no quotes", "twice", "not UTF-8", "binary"],
)
def test_a_toml_file_that_cannot_be_read_is_named(tmp_path: Path, body: bytes) -> None:
    """The error is about the file and does not quote what is in it."""
    (tmp_path / "fleettickets.toml").write_bytes(body)
    with pytest.raises(UsageError) as refused:
        config.load(tmp_path, {})
    assert str(tmp_path / "fleettickets.toml") in str(refused.value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("name", [".env", "named.env"])
def test_an_env_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    """The error names the file and a good example, and does not quote what is in it."""
    path = tmp_path / name
    path.write_bytes(f"RUSTFS_SECRET_KEY={CANARY}\xfc\n".encode("latin-1"))
    with pytest.raises(UsageError) as refused:
        config.load(tmp_path, {}, env_file=None if name == ".env" else path)
    assert str(path) in str(refused.value)
    assert ".env.example" in str(refused.value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("name", ["missing.env", "."])
def test_a_demanded_env_file_must_be_a_file(tmp_path: Path, name: str) -> None:
    """A missing .env is fine; a missing --env-file is a mistake, and so is a folder."""
    with pytest.raises(UsageError) as refused:
        config.load(tmp_path, {}, env_file=tmp_path / name)
    assert f"{tmp_path / name} is not a file" in str(refused.value)


@pytest.mark.parametrize("word", ["yes", "Auto", "false", "never "])
def test_embedded_is_one_of_two_words(tmp_path: Path, word: str) -> None:
    """Anything else is refused, with the two words to choose from."""
    with pytest.raises(UsageError, match=r"FLEETTICKETS_EMBEDDED.*'auto' or 'never'"):
        config.load(tmp_path, {"FLEETTICKETS_EMBEDDED": word})


@pytest.mark.parametrize("number", ["0", "-1", "nan", "inf", "1e999", "soon", "60 s", "1,5"])
def test_the_deadline_is_a_positive_number_of_seconds(tmp_path: Path, number: str) -> None:
    """Anything that would wait for ever or not at all is refused by name."""
    with pytest.raises(UsageError) as refused:
        config.load(tmp_path, {"FLEETTICKETS_DEADLINE_S": number})
    assert str(refused.value) == f"FLEETTICKETS_DEADLINE_S is {number!r}: set it to a number of seconds"


def test_other_names_of_the_environment_are_not_ours(tmp_path: Path) -> None:
    """A setting without a shared name is only known by its own."""
    settings = config.load(tmp_path, {"HOME": "/somewhere", "EMBEDDED": "never", "S3_BUCKET": "x", "": "y"})
    assert set(settings.origins.values()) == {"default"}
