"""The key of a sealed file from a passphrase, by Argon2id, and which passphrases are taken."""

from __future__ import annotations

import unicodedata
from types import ModuleType
from typing import Final

from globulin.errors import InputError

SHORTEST_PASSPHRASE: Final = 12
NOT_INSTALLED: Final = (
    'this needs two more packages, the extra "secure": in the folder that globulin was installed from, with'
    ' the Python that runs it: python -m pip install -e ".[secure]"'
)
# RFC 9106, section 4: the second recommended option, for where memory is short
_ARGON2: Final[dict[str, int]] = {"time_cost": 3, "memory_cost": 65_536, "parallelism": 4, "hash_len": 32}


class PassphraseError(InputError):
    """A passphrase that does not open the file."""


class NewPassphraseError(InputError):
    """A passphrase that cannot be taken for a file."""


def argon2() -> ModuleType:
    """The package, or InputError with what to install."""
    try:
        from argon2 import low_level
    except ImportError:
        raise InputError(NOT_INSTALLED) from None
    return low_level


def check_new(passphrase: str) -> None:
    """Raise NewPassphraseError for one that cannot be taken."""
    if not _is_known(passphrase):
        raise NewPassphraseError(_UNKNOWN)
    if len(_normal(passphrase)) < SHORTEST_PASSPHRASE:
        raise NewPassphraseError(
            f"a passphrase has at least {SHORTEST_PASSPHRASE} characters; five or six words that do not"
            " belong together are a good one"
        )


def derived(passphrase: str, salt: bytes) -> bytes:
    """The key of 256 bits: Argon2id, version 1.3 (RFC 9106)."""
    package = argon2()
    secret = _normal(passphrase).encode()
    try:
        key: bytes = package.hash_secret_raw(secret, salt, type=package.Type.ID, version=0x13, **_ARGON2)
    except package.HashingError:
        raise InputError(
            "the key could not be made: are 64 MiB of memory free? Nothing was changed"
        ) from None
    return key


def _normal(passphrase: str) -> str:
    """NFKC, so that the same letters typed on another system are the same passphrase.

    As NIST SP 800-63B (5.1.1.2) asks, and only for characters that are assigned: what others become may
    differ between versions of Unicode (the Stabilized Strings of UAX #15).
    """
    if not _is_known(passphrase):
        raise PassphraseError(_UNKNOWN)
    return unicodedata.normalize("NFKC", passphrase)


_UNKNOWN: Final = "there is a character in it that is not known here; leave it out"


def _is_known(text: str) -> bool:
    return not any(unicodedata.category(letter) in ("Cn", "Cs") for letter in text)
