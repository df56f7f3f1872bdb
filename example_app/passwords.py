"""Password hashes: scrypt from the standard library.

Both functions take tens of milliseconds by design. Call them through ``asyncio.to_thread``: scrypt lets go of the GIL,
so the event loop goes on.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

import scope

BLOCK_SIZE = 8
PARALLELISM = 1


@scope.probe
def hash_password(password: str, n: int) -> str:
    """A salted hash that carries its own parameters; ``n`` is scrypt's cost, a power of two."""
    salt = secrets.token_bytes(16)
    return f"scrypt${n}${salt.hex()}${_digest(password, salt, n).hex()}"


@scope.probe
def password_matches(password: str, stored: str) -> bool:
    """Whether ``stored`` was made from ``password``; the answer takes as long either way."""
    try:
        _, n, salt, digest = stored.split("$")
    except ValueError:
        return False
    return hmac.compare_digest(_digest(password, bytes.fromhex(salt), int(n)), bytes.fromhex(digest))


def _digest(password: str, salt: bytes, n: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=BLOCK_SIZE, p=PARALLELISM, dklen=32)
