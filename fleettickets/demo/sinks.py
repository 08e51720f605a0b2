"""Puts export files where a reader finds them: below a folder, or into an S3 bucket."""

from __future__ import annotations

import time
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from fleettickets.demo.plan import ExportFile

IN_MEMORY_BYTES: Final = 32 * 1024 * 1024


def write_folder(files: Iterable[ExportFile], folder: Path, *, progress: Callable[[int], None] | None = None) -> int:
    """Write each file at its key below the folder; the number of files. `progress` gets the number so far."""
    written = 0
    for written, file in enumerate(files, start=1):
        path = folder / file.key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as target:
            target.writelines(file.chunks())
        if progress:
            progress(written)
    return written


def upload(
    files: Iterable[ExportFile],
    client: S3Client,
    bucket: str,
    *,
    progress: Callable[[int], None] | None = None,
    pause_s: float = 0.0,
) -> int:
    """Put each file into the bucket, one after the other, `pause_s` apart; the number of files."""
    sent = 0
    for sent, file in enumerate(files, start=1):
        if pause_s and sent > 1:
            time.sleep(pause_s)
        _put(file, client, bucket)
        if progress:
            progress(sent)
    return sent


def _put(file: ExportFile, client: S3Client, bucket: str) -> None:
    # One plain put, however large: a multipart upload would have an ETag that is no MD5 of the content.
    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as body:
        body.writelines(file.chunks())
        body.seek(0)
        client.put_object(Bucket=bucket, Key=file.key, Body=body, ContentType="text/csv")
