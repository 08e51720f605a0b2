"""The web app's files: what is built into the package, or a configured folder; any other page is its index."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.responses import FileResponse, Response

from fleettickets.api.problems import ProblemError

if TYPE_CHECKING:
    from starlette.requests import Request

    from fleettickets.api.server import ServeSettings

BUILT_IN: Final = Path(__file__).parent.parent / "web_assets"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_TWINS: Final = {"br": ".br", "gzip": ".gz"}
_NOT_PAGES: Final = ("/api/", "/webhook/", "/tiles/", "/ogc/")


class WebApp:
    """Answers GET with a file of the folder, or with the index where a person typed an address of the app."""

    def __init__(self, settings: ServeSettings) -> None:
        self._folder = (settings.web_folder or BUILT_IN).resolve()
        self._policy = _content_security_policy(settings.basemap_url)

    async def answer(self, request: Request) -> Response:
        """The file, or the app's index, or a problem."""
        path = request.url.path
        file = self._file(path)
        if file is None:
            wants_page = "text/html" in request.headers.get("accept", "")
            if not wants_page or path.startswith(_NOT_PAGES):
                raise ProblemError("not_found", "there is no such path")
            file = self._file("/index.html")
        if file is None:
            raise ProblemError("not_found", "the web app is not built into this installation")
        headers = {"content-security-policy": self._policy, "cross-origin-opener-policy": "same-origin"}
        headers["cache-control"] = _FOR_EVER if path.startswith("/assets/") else "no-cache"
        return _sent(file, request.headers.get("accept-encoding", ""), headers)

    def _file(self, path: str) -> Path | None:
        """The file of this path; nothing outside of the folder is one."""
        if "\0" in path or "\\" in path:
            return None
        found = (self._folder / path.lstrip("/")).resolve()
        if found == self._folder:
            found = self._folder / "index.html"
        return found if found.is_relative_to(self._folder) and found.is_file() else None


def _sent(file: Path, accepted: str, headers: dict[str, str]) -> Response:
    """The file, or its twin that the build compressed, where the client takes it."""
    takes = {part.partition(";")[0].strip() for part in accepted.split(",")}
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers["vary"] = "accept-encoding"
    for encoding, suffix in _TWINS.items():
        twin = file.with_name(file.name + suffix)
        if encoding in takes and twin.is_file():
            headers["content-encoding"] = encoding
            return FileResponse(twin, headers=headers, media_type=kind)
    return FileResponse(file, headers=headers, media_type=kind)


def _content_security_policy(basemap_url: str | None) -> str:
    """Nothing but our own files, and the basemap where one is configured."""
    parts = urlsplit(basemap_url.removeprefix("pmtiles://")) if basemap_url else None
    basemap = f" {parts.scheme}://{parts.netloc}" if parts and parts.netloc else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob:{basemap}",
            f"connect-src 'self'{basemap}",
            f"font-src 'self'{basemap}",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
