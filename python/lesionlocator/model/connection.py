"""Connections that may stall or break: what is asked for, and how often."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from lesionlocator.errors import ModelError

_MAY_PASS = {408, 425, 429, 500, 502, 503, 504}
"""Status codes of troubles that a server may get over."""
_BROKEN = (URLError, http.client.HTTPException, OSError)


@dataclass(frozen=True)
class Patience:
    """When to give up.

    Parameters
    ----------
    silence
        Seconds without a byte after which a connection counts as broken.
    attempts
        Attempts in a row that may bring nothing new.
    pause
        Seconds before the second attempt; doubled before each further one.
    """

    silence: float = 30.0
    attempts: int = 5
    pause: float = 1.0


def opened(
    address: str, patience: Patience, headers: dict[str, str] | None = None
) -> http.client.HTTPResponse:
    """Ask for an address, through the proxies that the environment names, and follow redirections.

    Raises
    ------
    OSError, http.client.HTTPException
        Where the connection breaks or the server answers with an error.
    ModelError
        Where it redirects from https to http.
    """
    known = {"User-Agent": "lesionlocator", "Accept-Encoding": "identity"}
    request = Request(address, headers={**known, **(headers or {})})
    return build_opener(SameSecurity).open(request, timeout=patience.silence)


def persistently(
    url: str, action: Callable[[], Any], patience: Patience, kept: Callable[[], int] = lambda: 0
) -> Any:
    """Do what may work later until it does, or too many tries in a row brought nothing new.

    Parameters
    ----------
    url
        For messages.
    action
        What to do.
    patience
        When to give up.
    kept
        Returns how many bytes are there by now.

    Raises
    ------
    ModelError
        Where the server refuses for good, or patience ends.
    """
    failed = 0
    while True:
        before = kept()
        try:
            return action()
        except HTTPError as error:
            error.close()
            reason = f"the server answered {error.code} {error.reason}"
            if error.code not in _MAY_PASS:
                raise ModelError(f"{url}: {reason}") from error
        except _BROKEN as error:
            reason = _reason(error)
        failed = 1 if kept() > before else failed + 1
        if failed >= patience.attempts:
            raise ModelError(f"{url}: cannot be downloaded ({reason}), after {patience.attempts} attempts")
        time.sleep(patience.pause * 2 ** (failed - 1))


class SameSecurity(HTTPRedirectHandler):
    """Follows redirections, but never from https to http."""

    def redirect_request(  # noqa: PLR0917  # urllib's signature
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> Request | None:
        """Return the request to go on with."""
        if req.type == "https" and not newurl.startswith("https:"):
            raise ModelError(f"{req.full_url} redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _reason(error: BaseException) -> str:
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    if isinstance(error, TimeoutError):
        return "the server fell silent"
    return str(error) or type(error).__name__
