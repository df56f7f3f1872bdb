"""What the shop reads from its environment, once, at the front door."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class SettingError(ValueError):
    """An environment variable holds what the shop cannot use; the message names the variable and what it takes."""


def default_database() -> Path:
    """A file of the user's own that all workers agree on; removing it resets the shop."""
    return Path(tempfile.gettempdir()) / f"example-shop-{os.getuid()}" / "shop.sqlite3"


@dataclass(frozen=True, slots=True)
class Settings:
    """The shop's configuration.

    ``database`` is the SQLite file, made and seeded when it does not exist. ``admin_key`` opens the admin pages; while
    it is empty they stay shut. ``scrypt_n`` is the cost of one password hash: a power of two, memory is ``scrypt_n``
    KiB.
    """

    database: Path = field(default_factory=default_database)
    payments_url: str = "http://127.0.0.1:9001"
    payments_timeout_s: float = 2.0
    admin_key: str = ""
    scrypt_n: int = 16384
    mail_delay_s: float = 0.02

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings from the ``SHOP_*`` variables; whatever is not set keeps its default.

        Raises:
            SettingError: A value is no number, or out of range.
        """
        default = cls()
        return cls(
            database=Path(environment.get("SHOP_DATABASE") or default.database),
            payments_url=environment.get("SHOP_PAYMENTS_URL", default.payments_url),
            payments_timeout_s=_seconds(environment, "SHOP_PAYMENTS_TIMEOUT_S", default.payments_timeout_s),
            admin_key=environment.get("SHOP_ADMIN_KEY", default.admin_key),
            scrypt_n=_power_of_two(environment, "SHOP_SCRYPT_N", default.scrypt_n),
            mail_delay_s=_seconds(environment, "SHOP_MAIL_DELAY_S", default.mail_delay_s),
        )


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        raise SettingError(f"{name}={text!r}: expected seconds from 0 to 3600")
    return value


def _power_of_two(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    value = int(text) if text.isdecimal() else 0
    # 16384 is the most that OpenSSL computes within its default limit of 32 MiB.
    if not 2 <= value <= 16384 or value & (value - 1):
        raise SettingError(f"{name}={text!r}: expected a power of two from 2 to 16384")
    return value
