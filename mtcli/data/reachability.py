"""Whether the Hugging Face hub can be reached; where it cannot, only its cache is asked."""

from __future__ import annotations

import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_TIMEOUT_S = 5.0


@contextmanager
def offline_unless_reachable() -> Iterator[str]:
    """Within the context, `datasets` asks only its cache if the hub cannot be reached.

    It would retry for half a minute, printing each attempt, before it does the same.

    Yields:
        Why the hub cannot be reached; empty if it can, or if the user has set `HF_HUB_OFFLINE`.
    """
    import datasets
    import huggingface_hub.constants

    if datasets.config.HF_HUB_OFFLINE:
        yield ""
        return
    why = why_unreachable(huggingface_hub.constants.ENDPOINT)
    if not why:
        yield ""
        return
    places: list[Any] = [datasets.config, huggingface_hub.constants]
    for place in places:
        place.HF_HUB_OFFLINE = True
    try:
        yield why
    finally:
        for place in places:
            place.HF_HUB_OFFLINE = False


def why_unreachable(address: str) -> str:
    """Why a web server cannot be reached, also through a proxy; empty if it answers anything."""
    if any(name in os.environ for name in ("ALL_PROXY", "all_proxy")):
        return ""  # perhaps a SOCKS proxy, which this way of asking does not know
    request = urllib.request.Request(address, method="HEAD")
    try:
        # not `urlopen`, which keeps the proxies of its first call
        urllib.request.build_opener().open(request, timeout=_TIMEOUT_S).close()
    except urllib.error.HTTPError:
        return ""  # an answer
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            return ""  # it answers; other libraries may know its certificate
        return _text_of(error.reason)
    except (OSError, ValueError) as error:
        return _text_of(error)
    return ""


def _text_of(reason: object) -> str:
    strerror = reason.strerror if isinstance(reason, OSError) else None
    return strerror or str(reason) or type(reason).__name__
