"""An S3 client that starts fast: the library's own description of S3, read without looking at every other service."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SERVICE: Final = "s3"
_CONNECTIONS: Final = 4
_TRIES: Final = 3


def s3_client(
    endpoint_url: str,
    access_key: str,
    secret_key: str,
    region: str,
    *,
    connect_timeout_s: float,
    read_timeout_s: float,
) -> S3Client:
    """A client for an S3-compatible store: path-style, bounded waits, three tries on passing faults.

    boto3 adds nothing that is used here and takes as long to import as the whole command line.
    """
    session = Session()
    session.register_component("data_loader", _Descriptions(file_loader=_Files()))
    client = session.create_client(
        _SERVICE,
        endpoint_url=endpoint_url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region,
        config=Config(
            s3={"addressing_style": "path"},
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            max_pool_connections=_CONNECTIONS,
        ),
    )
    return cast("S3Client", client)


class _Descriptions(Loader):
    """botocore's descriptions of services, of which there is one: it would list the folders of four hundred, twice."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # the name botocore calls it by
        return [_SERVICE]


class _Files(JSONFileLoader):
    """Reads these descriptions with orjson: a megabyte of JSON."""

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401  # whatever the file holds
        """The description, or None."""
        for ending, read in ((".json", Path.read_bytes), (".json.gz", _unpacked)):
            path = Path(file_path + ending)
            if path.is_file():
                return orjson.loads(read(path))
        return None


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())
