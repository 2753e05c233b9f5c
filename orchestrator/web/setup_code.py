"""The one-time code that lets whoever runs the server, and nobody else, make the first account.

It stands in the server log and in `keys/setup_code` of the data directory, readable by its owner alone, until it is
used.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from django.conf import settings
from django.utils.crypto import constant_time_compare

from orchestrator.keyfiles import read_or_make

logger = logging.getLogger(__name__)

_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that looks like something else
_announced: set[str] = set()


def path() -> Path:
    return settings.DATA_DIR / "keys" / "setup_code"


def current() -> str:
    """The code that is asked for, made when there is none yet."""
    return read_or_make(path(), _new_code)


def announce() -> None:
    """Say the code in the server log, once in each process."""
    code = current()
    if code not in _announced:
        _announced.add(code)
        logger.warning(
            "Nobody has an account yet. Open /setup/ and enter the code %s (also in %s).", code, path()
        )


def matches(code: str) -> bool:
    return constant_time_compare(_plain(code), _plain(current()))


def spend() -> bool:
    """Use the code up. Of two that arrive together one gets True: a file is removed only once."""
    try:
        path().unlink()
    except FileNotFoundError:
        return False
    return True


def _new_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def _plain(code: str) -> str:
    """What counts of a code that somebody typed: its letters and digits."""
    return "".join(character for character in code.upper() if character.isalnum())
