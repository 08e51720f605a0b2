"""A local server that answers like Tracksolid Pro: signed forms, tokens that expire, limits, devices left out."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterator

APP_KEY, SECRET, USER = "8FB345B8693CCD00", "canary-app-secret", "noc"
PASSWORD_MD5 = hashlib.md5(b"canary-password", usedforsecurity=False).hexdigest()


def device(imei: str, lat: object = "-1.28", lng: object = "36.82", **more: Any) -> dict[str, Any]:
    """A row of a location list: most values are strings."""
    return {
        "imei": imei,
        "deviceName": f"Van {imei}",
        "vehicleNumber": f"KDA {imei}",
        "lat": lat,
        "lng": lng,
        "gpsTime": "2026-06-25 08:58:00",
        "hbTime": "2026-06-25 08:59:30",
        "accStatus": "1",
        "speed": "36",
        "direction": "90",
        "posType": "GPS",
        **more,
    }


@dataclass
class Tracksolid:
    """The state of the server and what it was asked."""

    accounts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    hidden: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    body: bytes | None = None
    drips: bool = False

    def answer(self, form: dict[str, str]) -> dict[str, Any]:
        self.asked.append(form)
        sign = form.pop("sign", "")
        joined = "".join(name + form[name] for name in sorted(form))
        if sign != hashlib.md5(f"{SECRET}{joined}{SECRET}".encode(), usedforsecurity=False).hexdigest().upper():
            return {"code": 1002, "message": "Illegal sign", "result": None}
        if form["method"] == "jimi.oauth.token.get":
            if (form.get("user_id"), form.get("user_pwd_md5")) != (USER, PASSWORD_MD5):
                return {"code": 1003, "message": "Invalid user or password", "result": None}
            self.tokens.append(f"token-{len(self.tokens)}")
            return {"code": 0, "message": "success", "result": {"accessToken": self.tokens[-1], "expiresIn": "7200"}}
        if self.refusals:
            return self.refusals.pop(0)
        if not self.tokens or form.get("access_token") != self.tokens[-1]:
            return {"code": 1004, "message": "Token expired", "result": None}
        if form["method"] == "jimi.user.device.location.list":
            return {"code": 0, "message": "success", "result": self.accounts.get(form["target"], [])}
        wanted = form["imeis"].split(",")
        everyone = [one for rows in self.accounts.values() for one in rows] + self.hidden
        return {"code": 0, "message": "success", "result": [one for one in everyone if one["imei"] in wanted]}


@contextlib.contextmanager
def serving() -> Iterator[Tracksolid]:
    """The server on a loopback port."""
    state = Tracksolid()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = dict(
                parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
            )
            body = state.body if state.body is not None else json.dumps(state.answer(form)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for at in range(len(body)) if state.drips else ():
                with contextlib.suppress(OSError):
                    self.wfile.write(body[at : at + 1])
                    time.sleep(0.02)
            if not state.drips:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/route/rest"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield state
        server.shutdown()
