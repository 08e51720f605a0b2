"""Export files in an S3-compatible bucket: listed, fetched verified, archived without ever losing a version.

The order of an archive is copy (never over other content), verify, look whether the producer wrote again,
delete on condition of the ETag. Every step may be repeated after a crash.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, InvalidRegionError

from fleettickets import failpoint
from fleettickets.errors import UpstreamError, UsageError
from fleettickets.source import names
from fleettickets.source.client import s3_client
from fleettickets.source.files import (
    FileGoneError,
    FileNotReadError,
    FileUnusableError,
    FileVersion,
    Model,
    NoRoomError,
    discard,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from fleettickets.datasets import Dataset

_CHUNK_BYTES: Final = 1 << 18
_IN_MEMORY_BYTES: Final = 8 << 20
_LARGEST_FILE_BYTES: Final = 4 << 30
_SLOWEST_BYTES_PER_S: Final = 200_000
_SINGLE_PART_ETAG: Final = re.compile(r"[0-9a-f]{32}")
_SOURCE_ETAG: Final = "source-etag"
_GONE: Final = frozenset({"NoSuchKey", "404", "PreconditionFailed", "412"})
_CHECK_ENDPOINT: Final = "check RUSTFS_ENDPOINT_URL"
_USAGE: Final = {
    "NoSuchBucket": "the bucket does not exist: create it or set RUSTFS_BUCKET",
    "InvalidAccessKeyId": "the access key is unknown: set RUSTFS_ACCESS_KEY",
    "SignatureDoesNotMatch": "the secret key is wrong: set RUSTFS_SECRET_KEY",
    "AccessDenied": "the keys may not do this: allow list, get, put and delete below automations/",
    "RequestTimeTooSkewed": "this machine's clock differs from the store's: set the time (NTP)",
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket the export writes into."""

    client: S3Client
    name: str
    deadline_s: float
    archives: bool = True

    def listing(self, dataset: Dataset, model: Model, now: datetime) -> list[FileVersion]:
        """Every object of the stream, ascending by export time; a folder marker is no file."""
        prefix = dataset.changes if model is Model.CHANGES else dataset.root
        found = [_version(item, prefix, now) for item in self._objects(prefix, model)]
        return sorted((file for file in found if file.key != prefix), key=lambda file: file.order)

    def fetch(self, version: FileVersion) -> IO[bytes]:
        """The bytes of exactly this version: right ETag, length and checksum, within a deadline."""
        if version.size_bytes > _LARGEST_FILE_BYTES:
            raise FileUnusableError(f"larger than {_LARGEST_FILE_BYTES >> 30} GiB")
        spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115  # the caller closes it
        try:
            answer = self._get(version)
            _copy_verified(answer["Body"], spool, version, self.deadline_s)
            _rewind(spool)
        except BaseException:
            discard(spool)
            raise
        return spool

    def archive(self, version: FileVersion, folder: str) -> str | None:
        """Copy to `folder`, verify, then delete this version and no other; None when it had left before."""
        try:
            target = self._copy(version, folder)
            failpoint.reached("copied")
            if target != version.place:  # quarantined once more, it stays where it is
                self._delete(version)
        except ClientError as error:
            if _code(error) in _GONE:
                return self._archived_before(version, folder)
            raise upstream_error(error, self.name) from error
        except BotoCoreError as error:
            raise upstream_error(error, self.name) from error
        return target

    def _delete(self, version: FileVersion) -> None:
        head = self.client.head_object(Bucket=self.name, Key=version.place)
        if version.lies_at is not None:
            is_this_one = _is_copy(head, version)  # a copy has a time, and after a multipart upload an ETag, of its own
        else:
            is_this_one = (_etag(head["ETag"]), _seconds(head["LastModified"])) == (version.etag, version.last_modified)
        if is_this_one:
            self.client.delete_object(Bucket=self.name, Key=version.place, IfMatch=head["ETag"])

    def _objects(self, prefix: str, model: Model) -> Iterator[Any]:
        delimiter = {"Delimiter": "/"} if model is Model.SNAPSHOTS else {}
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name,
                Prefix=prefix,
                **delimiter,  # type: ignore[arg-type]
            )
            for page in pages:
                if "Name" not in page:  # a gateway's own page reads like an empty listing
                    raise UpstreamError(f"what answers for bucket {self.name!r} is no store: {_CHECK_ENDPOINT}")
                yield from page.get("Contents", [])
        except (ClientError, BotoCoreError) as error:
            raise upstream_error(error, self.name) from error

    def _get(self, version: FileVersion) -> Any:  # noqa: ANN401  # botocore's untyped answer
        try:
            return self.client.get_object(Bucket=self.name, Key=version.place, IfMatch=self._if_match(version))
        except ClientError as error:
            if _code(error) in _GONE:
                raise FileGoneError(f"{version.place} was replaced or removed since it was listed") from error
            raise FileNotReadError(f"{version.key} could not be read: {_code(error)}") from error
        except BotoCoreError as error:
            raise FileNotReadError(f"{version.key} could not be read: {type(error).__name__}") from error

    def _copy(self, version: FileVersion, folder: str) -> str:
        """Copy on condition that the source is this version and the target is free, or was copied before."""
        for target in _targets(version, folder):
            head = self._head(target)
            if head is None:
                return self._copy_to(version, target)
            if _is_copy(head, version):
                return target
        raise UpstreamError(f"{folder} holds other content under both names for {version.key}: look at the store")

    def _copy_to(self, version: FileVersion, target: str) -> str:
        answer = self.client.copy_object(
            Bucket=self.name,
            Key=target,
            CopySource={"Bucket": self.name, "Key": version.place},
            CopySourceIfMatch=self._if_match(version),
            IfNoneMatch="*",
            MetadataDirective="REPLACE",
            Metadata={_SOURCE_ETAG: version.etag},
        )
        if _etag(answer["CopyObjectResult"].get("ETag", "")) != version.etag:
            head = self._head(target)  # a copy of a multipart upload has an ETag of its own
            if head is None or head["ContentLength"] != version.size_bytes:
                raise UpstreamError(f"{target} is no true copy of {version.key}; both are kept: look at the store")
        return target

    def _if_match(self, version: FileVersion) -> str:
        """The ETag its bytes have in the place they lie at."""
        if version.lies_at is None:
            return f'"{version.etag}"'
        return self.client.head_object(Bucket=self.name, Key=version.lies_at)["ETag"]

    def _archived_before(self, version: FileVersion, folder: str) -> str | None:
        for target in _targets(version, folder):
            head = self._head(target)
            if head is not None and _is_copy(head, version):
                return target
        return None

    def _head(self, key: str) -> Any:  # noqa: ANN401  # botocore's untyped answer
        try:
            return self.client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            raise


def open_bucket(
    endpoint_url: str, access_key: str, secret_key: str, bucket: str, region: str, *, deadline_s: float = 60.0
) -> Bucket:
    """A client for one bucket: path-style, bounded waits, three tries on passing faults."""
    try:
        client = s3_client(
            endpoint_url, access_key, secret_key, region, connect_timeout_s=5, read_timeout_s=min(20.0, deadline_s)
        )
    except InvalidRegionError as error:
        raise UsageError(f"RUSTFS_REGION {region!r} is no region name like us-east-1") from error
    except (ValueError, BotoCoreError) as error:
        raise UsageError(f"RUSTFS_ENDPOINT_URL {endpoint_url!r} is no address like http://HOST:PORT") from error
    return Bucket(client, bucket, deadline_s)


def _targets(version: FileVersion, folder: str) -> tuple[str, str]:
    """The archive names to try: the plain one, and one of its own for other content under the same name."""
    plain = f"{folder}{version.name}"
    return plain, f"{plain.removesuffix('.csv')}.{version.etag[:12]}.csv"


def _is_copy(head: Any, version: FileVersion) -> bool:  # noqa: ANN401  # botocore's untyped answer
    same = version.etag in {_etag(head["ETag"]), head.get("Metadata", {}).get(_SOURCE_ETAG)}
    return same and head["ContentLength"] == version.size_bytes


def _version(item: Any, prefix: str, now: datetime) -> FileVersion:  # noqa: ANN401  # botocore's untyped answer
    key = item["Key"]
    exported_at, problem = names.exported_at(key.removeprefix(prefix), now)
    return FileVersion(key, _etag(item["ETag"]), _seconds(item["LastModified"]), item["Size"], exported_at, problem)


def _copy_verified(body: Any, spool: IO[bytes], version: FileVersion, deadline_s: float) -> None:  # noqa: ANN401  # botocore's stream
    deadline = time.monotonic() + deadline_s + version.size_bytes / _SLOWEST_BYTES_PER_S
    digest = hashlib.md5(usedforsecurity=False)
    length = 0
    with contextlib.closing(body):
        try:
            while chunk := _some(body):
                length += len(chunk)
                digest.update(chunk)
                _keep(chunk, spool)
                if time.monotonic() > deadline:
                    raise FileNotReadError(f"{version.key} came too slowly: {length} of {version.size_bytes} bytes")
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise FileNotReadError(f"{version.key} broke off: {type(error).__name__}") from error
    if length != version.size_bytes:
        raise FileNotReadError(f"{version.key} came short: {length} of {version.size_bytes} bytes")
    if _SINGLE_PART_ETAG.fullmatch(version.etag) and digest.hexdigest() != version.etag:
        raise FileNotReadError(f"{version.key} came damaged: its MD5 is not its ETag")


def _keep(chunk: bytes, spool: IO[bytes]) -> None:
    try:
        spool.write(chunk)
    except OSError as error:
        raise NoRoomError(error) from error


def _rewind(spool: IO[bytes]) -> None:
    try:
        spool.seek(0)  # writes what is still buffered
    except OSError as error:
        raise NoRoomError(error) from error


def _some(body: Any) -> bytes:  # noqa: ANN401  # botocore's stream
    """What one receive brings; read() would wait for a full chunk and outlast the deadline on a drip."""
    raw = body._raw_stream  # noqa: SLF001  # botocore offers no read1
    return raw.read1(_CHUNK_BYTES) if hasattr(raw, "read1") else body.read(1024)  # type: ignore[no-any-return]


def _etag(text: str) -> str:
    return text.strip('"')


def _seconds(moment: datetime) -> datetime:
    """Whole seconds: a listing has milliseconds where a HEAD has none."""
    return moment.astimezone(UTC) - timedelta(microseconds=moment.microsecond)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def upstream_error(error: ClientError | BotoCoreError, bucket: str) -> UpstreamError | UsageError:
    """What a refusal of the store, or its silence, means and what to do about it."""
    if isinstance(error, ClientError):
        code = _code(error)
        hint = _USAGE.get(code)
        if hint:
            return UsageError(f"bucket {bucket!r}: {hint}")
        return UpstreamError(f"bucket {bucket!r} answered {code}: try again, or look at the store's log")
    return UpstreamError(
        f"the store of bucket {bucket!r} cannot be reached ({type(error).__name__}): {_CHECK_ENDPOINT}"
    )
