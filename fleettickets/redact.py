"""No secret leaves the process in words: what the settings call secret is blanked in errors, tracebacks and logs.

`config.load` teaches it every value of an Option(secret=True), so a new secret setting is covered by being one.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final
from urllib.parse import quote, unquote

_SHORTEST: Final = 4
_BLANK: Final = "********"
_IN_ADDRESS: Final = re.compile(r"[^:/?#]*:/{0,2}[^:/@]*:(.*)@", re.DOTALL)
_AS_PARAMETER: Final = re.compile(r"password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]+)", re.IGNORECASE)
_TORN_AT: Final = re.compile(r"[@/?#:%]")
_known: set[str] = set()


def learn(*values: str | None) -> None:
    """Blank these from now on, and of an address its password, also where it is torn at an '@' or '/'."""
    for value in values:
        found = {value or ""}
        for match in (_IN_ADDRESS.search(value or ""), _AS_PARAMETER.search(value or "")):
            if match:
                password = match[1].strip("'")
                found |= {password, *_TORN_AT.split(password), *_TORN_AT.split(unquote(password))}
        found |= {unquote(one) for one in found} | {quote(one, safe="", errors="surrogatepass") for one in found}
        _known.update(one for one in found if len(one) >= _SHORTEST)


def redacted(text: str) -> str:
    """The text with every known secret blanked; one of fewer than four characters would blank ordinary words."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, _BLANK)
    return text


def guard_logging() -> None:
    """Blank secrets in every log record of this process, whichever library writes it."""
    usual = logging.LogRecord

    def record(*arguments: Any, **more: Any) -> logging.LogRecord:  # noqa: ANN401  # logging's own signature
        made = usual(*arguments, **more)
        made.msg, made.args = redacted(made.getMessage()), None
        if made.exc_info:
            made.exc_text = redacted(logging.Formatter().formatException(made.exc_info))
        return made

    logging.setLogRecordFactory(record)
