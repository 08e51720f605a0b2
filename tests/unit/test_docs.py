"""The documents tell no lies: what they name exists, and what exists is named."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from fleettickets import errors
from fleettickets.cli import command as fleettickets
from fleettickets.config import OPTIONS

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"sh", "sql", "text", "json", "ini", "cron"}
TARGET = re.compile(r"^([a-z]+):.*## ", re.MULTILINE)
MACHINE_PATH = re.compile(r"/(?:home|root|Users|work)/[A-Za-z.]|[A-Z]:\\Users\\")
LONGEST_DECISION_LINES = 25
TEST_NAME = re.compile(r"`(\w+/test_\w+\.py)::(\w+)`")
CASES = {"I": 14, "C": 5, "D": 9, "S": 16, "F": 21, "V": 16, "R": 1, "X": 12, "Y": 17}
"""How many invariants and catalogued faults there are of each kind."""


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_every_fenced_block_names_its_language(path: Path) -> None:
    """No block escapes the rules below by having no language, or an unknown one."""
    assert {language for language, _ in _blocks(path)} <= LANGUAGES


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_commands_in_guides_exist(path: Path) -> None:
    """Each `fleettickets` line names a command and options that exist."""
    problems = [_problem(words) for words in _command_lines(path, "fleettickets")]
    assert [problem for problem in problems if problem] == []


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_targets_in_guides_exist(path: Path) -> None:
    """Each `make` line names a target of the Makefile."""
    targets = {word for words in _command_lines(path, "make") for word in words if "=" not in word}
    assert targets <= _targets()


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_scripts_in_guides_exist(path: Path) -> None:
    """Each `python -m MODULE` and `python FILE` line names one of ours."""
    for words in _command_lines(path, "python"):
        if words[0] == "-m":
            assert importlib.util.find_spec(words[1]), words
        else:
            assert (ROOT / words[0]).is_file(), words


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_links_in_guides_lead_somewhere(path: Path) -> None:
    """A link to a file of the repository finds it."""
    targets = re.findall(r"\]\((?!http)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_readme_names_every_command() -> None:
    """A command that exists is in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = _group(fleettickets).list_commands(click.Context(fleettickets))
    assert [name for name in names if f"fleettickets {name}" not in readme] == []


def test_readme_names_every_exit_code() -> None:
    """Each error class's exit code has its line in the README's table."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [one for one in _error_classes() if f"\n| {one.exit_code} |" not in readme] == []


def test_make_alone_lists_every_target() -> None:
    """Every phony target has its ## line, and the help prints them all."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    environ = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    done = subprocess.run(["make"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    assert phony == _targets() == set(re.findall(r"^make ([a-z]+) ", done.stdout, re.MULTILINE))


def test_every_setting_is_in_the_env_example() -> None:
    """A setting is shown under the name deployments use."""
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    assert shown == {option.shared_name or option.own_name for option in OPTIONS}


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_short_and_says_its_price(path: Path) -> None:
    """Title, context, decision, price, in the space of a screen."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_DECISION_LINES
    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Price"]


def test_every_decision_has_a_number_of_its_own() -> None:
    """0001, 0002, and so on; a number may be taken by a branch that is not merged yet."""
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers[0] == 1
    assert len(set(numbers)) == len(numbers)


def test_every_error_class_is_drawn_in_the_tree() -> None:
    """The docstring of errors.py shows each class with its exit code."""
    drawn = dict(re.findall(r"(\w+Error)\s+(\d+) ", errors.__doc__ or ""))
    assert drawn == {one.__name__: str(one.exit_code) for one in _error_classes()}


def test_the_image_does_not_run_as_root() -> None:
    """The last USER of the Dockerfile is a plain user."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    final = dockerfile[dockerfile.rindex("\nFROM ") :]
    users = re.findall(r"^USER (\S+)", final, re.MULTILINE)
    assert users
    assert users[-1].split(":")[0] not in {"root", "0"}


def test_every_promise_and_fault_has_its_line_in_the_order_of_the_catalogue() -> None:
    """No case is left out of docs/reliability.md, and none stands there twice."""
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| ([A-Z]\d+) \|", text, re.MULTILINE)
    assert told == [f"{kind}{n}" for kind, cases in CASES.items() for n in range(1, cases + 1)]


def test_every_test_that_is_said_to_hold_a_promise_exists() -> None:
    """Renaming a test renames it in docs/reliability.md."""
    named = TEST_NAME.findall((ROOT / "docs" / "reliability.md").read_text(encoding="utf-8"))
    paths = {path for path, _ in named}
    defined = {
        (path, name) for path in paths for name in re.findall(r"^def (test_\w+)", _test_file(path), re.MULTILINE)
    }
    assert [f"{path}::{name}" for path, name in named if (path, name) not in defined] == []
    assert named


def _test_file(path: str) -> str:
    return (ROOT / "tests" / path).read_text(encoding="utf-8")


def test_no_file_knows_somebodys_machine() -> None:
    """No text of the repository holds a path of the machine it was written on."""
    known = [path for path in _repository_files() if MACHINE_PATH.search(_text(path))]
    assert known == []


def _blocks(path: Path) -> list[tuple[str, str]]:
    return FENCE.findall(path.read_text(encoding="utf-8"))


def _command_lines(path: Path, program: str) -> list[list[str]]:
    """The words after `program`, for each line of the sh blocks that calls it."""
    found = []
    for language, block in _blocks(path):
        for line in block.splitlines() if language == "sh" else ():
            words = re.split(r"\|\||&&|[|;]", " ".join(shlex.split(line, comments=True)))[0].split()
            words = words[next((at for at, word in enumerate(words) if "=" not in word), len(words)) :]
            if words and words[0].rpartition("/")[2] == program:
                found.append(words[1:])
    return found


def _problem(words: list[str]) -> str | None:
    """What is wrong with the words after `fleettickets`, if anything."""
    here: click.Command = fleettickets
    options = _options(here)
    for word in words:
        if word.startswith("-"):
            if word.partition("=")[0] not in options:
                return f"{' '.join(words)}: {here.name} has no option {word}"
        elif isinstance(here, click.Group):
            found = here.get_command(click.Context(here), word)
            if found is None:
                return f"{' '.join(words)}: there is no command {word}"
            here = found
            options |= _options(here)
    return None


def _options(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}


def _group(command: click.Command) -> click.Group:
    assert isinstance(command, click.Group)
    return command


def _targets() -> set[str]:
    return set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def _error_classes() -> list[type[errors.FleetticketsError]]:
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass)]
    return [one for one in classes if issubclass(one, errors.FleetticketsError)]


def _repository_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("no git here: the files of the repository cannot be told from others")
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="ignore")
