"""From the bytes of a file to its lines: gzip, encoding and NUL bytes settled."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import tempfile
import zlib
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, TYPE_CHECKING, Final

from fleettickets.source.files import FileUnusableError, NoRoomError, discard

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK_BYTES: Final = 1 << 18
_LONGEST_LINE_CHARS: Final = 2 << 20
_IN_MEMORY_BYTES: Final = 8 << 20
_LARGEST_INFLATED_BYTES: Final = 4 << 30
_MOST_INFLATION: Final = 200
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOST_CONTROL_SHARE: Final = 0.02
_TEXT_CONTROLS: Final = b"\t\n\v\f\r\x00\x1b"
_CONTROLS: Final = bytes(code for code in range(32) if code not in _TEXT_CONTROLS)


@dataclass(slots=True)
class Text:
    """A file as text: how it was encoded, and its lines with their ends kept, NUL bytes replaced and counted."""

    encoding: str
    _file: IO[bytes]
    _has_nul: bool
    is_copy: bool = False
    nul_lines: int = 0

    def close(self) -> None:
        """Free the unpacked copy; a file that came plain belongs to whoever opened it."""
        if self.is_copy:
            self._file.close()

    def lines(self) -> Iterator[str]:
        """Each physical line with its line end as it was; of one beyond 2 Mi characters only the beginning."""
        self._file.seek(0)
        self.nul_lines = 0
        stream = io.TextIOWrapper(self._file, encoding=self.encoding, errors="replace", newline="")
        read = partial(stream.readline, _LONGEST_LINE_CHARS)
        try:
            while line := read():
                yield self._without_nul(line) if self._has_nul else line
                while len(line) == _LONGEST_LINE_CHARS and line[-1] not in "\r\n":
                    line = read()
        finally:
            with contextlib.suppress(ValueError):  # closed meanwhile: the run was stopped
                stream.detach()  # the wrapper would close the file

    def _without_nul(self, line: str) -> str:
        self.nul_lines += "\0" in line
        return line.replace("\0", "\N{REPLACEMENT CHARACTER}")


def open_text(file: IO[bytes]) -> Text:
    """Detect gzip, BOM, UTF-8, UTF-16 and else cp1252; empty and binary files are FileUnusableError."""
    head = file.read(4)
    if not head:
        raise FileUnusableError("empty")
    file.seek(0)
    if not head.startswith(b"\x1f\x8b"):
        return _decoded(file)
    unpacked = _inflated(file)
    try:
        return replace(_decoded(unpacked), is_copy=True)
    except BaseException:
        unpacked.close()
        raise


def _decoded(file: IO[bytes]) -> Text:
    head = file.read(4)
    file.seek(0)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return Text(encoding, file, _scan(file, encoding).has_nul)
    if len(head) == 4 and head[1] == 0 == head[3] and head[0] and head[2]:  # noqa: PLR2004  # the head read above
        return Text("utf-16-le", file, _scan(file, "utf-16-le").has_nul)
    scan = _scan(file, "utf-8")
    if scan.binary:
        raise FileUnusableError("binary")
    return Text("utf-8" if scan.valid else "cp1252", file, scan.has_nul)


@dataclass(slots=True)
class _Scan:
    valid: bool = True
    has_nul: bool = False
    binary: bool = False


def _scan(file: IO[bytes], encoding: str) -> _Scan:
    """What one pass over the bytes finds: whether they decode, hold NULs, look like text at all."""
    found = _Scan()
    decoder = codecs.getincrementaldecoder(encoding)()
    total = controls = 0
    chunk = b"."
    while chunk:
        chunk = file.read(_CHUNK_BYTES)
        total += len(chunk)
        controls += len(chunk) - len(chunk.translate(None, _CONTROLS))
        if found.valid:
            try:
                text = decoder.decode(chunk, final=not chunk)
                found.has_nul = found.has_nul or "\0" in text
            except UnicodeDecodeError:
                found.valid = False
        if not found.valid:
            found.has_nul = found.has_nul or b"\0" in chunk
    file.seek(0)
    found.binary = controls > _MOST_CONTROL_SHARE * total
    return found


def _inflated(file: IO[bytes]) -> IO[bytes]:
    """The unpacked file; a broken archive or a bomb is unusable."""
    packed_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    most = min(_LARGEST_INFLATED_BYTES, max(packed_bytes * _MOST_INFLATION, 1 << 20))
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  # lives as long as the text
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as packed:
            while chunk := packed.read(_CHUNK_BYTES):
                spool.write(chunk)
                if spool.tell() > most:
                    raise FileUnusableError("gzip_too_large")
        if spool.tell() == 0:
            raise FileUnusableError("empty")
        spool.seek(0)
    except BaseException as error:
        discard(spool)
        if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
            raise FileUnusableError("gzip_broken") from error
        if isinstance(error, OSError):  # a full disk is no broken file
            raise NoRoomError(error) from error
        raise
    return spool
