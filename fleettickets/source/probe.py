"""What a store allows and honours, found out with one small object that is gone again afterwards."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from fleettickets.errors import UpstreamError
from fleettickets.source.bucket import upstream_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3.type_defs import CopySourceTypeDef

    from fleettickets.datasets import Dataset
    from fleettickets.source.bucket import Bucket

_BODY: Final = b"fleettickets doctor"
_CONDITION_FAILED: Final = frozenset({404, 409, 412})
_ETAG_OF_NOTHING: Final = '"00000000000000000000000000000000"'


@dataclass(frozen=True, slots=True)
class Probed:
    """How far the store's clock is ahead of ours, and the conditions it takes without holding to them."""

    skew_s: float
    ignored: tuple[str, ...]


def probe(bucket: Bucket, dataset: Dataset) -> Probed:
    """List, put, get and delete as an ingest of this stream does; what the store refuses is an error that names it."""
    client, name = bucket.client, bucket.name
    at = f"{dataset.processed}doctor-{secrets.token_hex(8)}"
    with _doing(bucket, f"list {dataset.changes}"):
        listed = client.list_objects_v2(Bucket=name, Prefix=dataset.changes, MaxKeys=1)
    with _doing(bucket, f"put into {dataset.processed}"):
        client.put_object(Bucket=name, Key=at, Body=_BODY)
    try:
        with _doing(bucket, f"get from {dataset.processed}"):
            if client.get_object(Bucket=name, Key=at)["Body"].read() != _BODY:
                raise UpstreamError(f"bucket {name!r} gives back other bytes than it was given: look at the store")
        with _doing(bucket, f"delete in {dataset.changes}"):  # of a key that is not there: only the right is asked
            _holds(lambda: client.delete_object(Bucket=name, Key=f"{dataset.changes}doctor", IfMatch=_ETAG_OF_NOTHING))
        with _doing(bucket, f"put into {dataset.processed} on a condition"):
            ignored = _ignored(bucket, at)
    finally:
        with _doing(bucket, f"delete in {dataset.processed}"):
            client.delete_object(Bucket=name, Key=at)
    return Probed(_skew_s(listed), ignored)


def _ignored(bucket: Bucket, at: str) -> tuple[str, ...]:
    """Each condition once, where it must stop the request."""
    client, name = bucket.client, bucket.name
    source: CopySourceTypeDef = {"Bucket": name, "Key": at}
    asked: dict[str, Callable[[], Any]] = {
        "GET If-Match": lambda: client.get_object(Bucket=name, Key=at, IfMatch=_ETAG_OF_NOTHING),
        "copy If-None-Match": lambda: client.copy_object(
            Bucket=name, Key=at, CopySource=source, IfNoneMatch="*", MetadataDirective="REPLACE"
        ),
        "copy source If-Match": lambda: client.copy_object(
            Bucket=name, Key=f"{at}-copy", CopySource=source, CopySourceIfMatch=_ETAG_OF_NOTHING
        ),
        "DELETE If-Match": lambda: client.delete_object(Bucket=name, Key=at, IfMatch=_ETAG_OF_NOTHING),
    }
    found = tuple(condition for condition, ask in asked.items() if not _holds(ask))
    if "copy source If-Match" in found:
        client.delete_object(Bucket=name, Key=f"{at}-copy")
    return found


def _holds(ask: Callable[[], Any]) -> bool:
    """Whether the store stopped a request whose condition is not met."""
    try:
        ask()
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in _CONDITION_FAILED:
            return True
        raise
    return False


@contextmanager
def _doing(bucket: Bucket, what: str) -> Iterator[None]:
    """A failure of the store inside the block, told with what was tried."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        told = upstream_error(error, bucket.name)
        raise type(told)(f"{what}: {told}") from error


def _skew_s(answer: Any) -> float:  # noqa: ANN401  # botocore's untyped answer
    """Seconds from our clock to the store's, which tells whole seconds."""
    said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(said).timestamp() - time.time() if said else 0.0
