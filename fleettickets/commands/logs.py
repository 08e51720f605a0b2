"""--log-format json: everything a command says on stderr, as one JSON document a line."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEVELS: Final = {"fleettickets: ": "error", "warning: ": "warning", "Traceback ": "error"}


class JsonLines(io.TextIOBase):
    """A stream that writes each text it is given, up to its line end, as {"at", "level", "message"}."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun = ""

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Keep the text until it ends a line: a traceback written at once stays one message."""
        self._begun += text
        if self._begun.endswith("\n"):
            message, self._begun = self._begun.strip("\n"), ""
            if message:
                self._stream.write(f"{_document(message)}\n")
                self._stream.flush()
        return len(text)

    def fileno(self) -> int:
        """The file behind it, for a child process."""
        return self._stream.fileno()

    def flush(self) -> None:
        """Whole lines are flushed as they are written."""


def are_json(arguments: Sequence[str]) -> bool:
    """Whether the command line asks for it; looked up by hand, so that a line that cannot be parsed obeys too."""
    asked = [word for flag, word in pairwise(arguments) if flag == "--log-format"]
    asked += [word.partition("=")[2] for word in arguments if word.startswith("--log-format=")]
    return asked[-1:] == ["json"]


def _document(message: str) -> str:
    level = next((level for begins, level in _LEVELS.items() if message.startswith(begins)), "info")
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"at": moment, "level": level, "message": message}, ensure_ascii=False)
