"""Five hundred secrets as applications meet them, and as many values that are none; the same ones in every run."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ALNUM: Final = string.ascii_letters + string.digits
UPPER: Final = string.ascii_uppercase + string.digits
URLSAFE: Final = ALNUM + "-_"
HEX: Final = "0123456789abcdef"
EACH: Final = 20
"""Secrets of each kind."""


@dataclass(frozen=True, slots=True)
class Planted:
    """``text`` holds ``secret``. Where the shape does not tell, it is planted under ``name``, which does."""

    kind: str
    text: str
    secret: str
    name: str = ""


def planted() -> list[Planted]:
    """The corpus: twenty of each kind."""
    return [make(random.Random(f"{make.__name__} {number}")) for make in _KINDS for number in range(EACH)]


def _of(source: random.Random, alphabet: str, length: int) -> str:
    return "".join(source.choices(alphabet, k=length))


def _card(source: random.Random) -> str:
    digits = [4, *source.choices(range(10), k=14)]
    doubled = sum(sum(divmod(2 * digit, 10)) if index % 2 == 0 else digit for index, digit in enumerate(digits))
    return "".join(map(str, [*digits, -doubled % 10]))


def _jwt(source: random.Random) -> str:
    head = {"alg": "RS256", "typ": "JWT", "kid": _of(source, ALNUM, 16)}
    body = {"sub": _of(source, string.digits, 10), "scope": "orders"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, body)]
    return ".".join([*parts, _of(source, URLSAFE, 86)])


# --- by their shape -------------------------------------------------------------------------------------------------


def _prefixed(kind: str, prefix: str, alphabet: str, length: int) -> Callable[[random.Random], Planted]:
    def make(source: random.Random) -> Planted:
        secret = prefix + _of(source, alphabet, length)
        return Planted(kind, secret, secret)

    make.__name__ = kind
    return make


def _in_text(kind: str, text: str, secret: Callable[[random.Random], str]) -> Callable[[random.Random], Planted]:
    def make(source: random.Random) -> Planted:
        hidden = secret(source)
        return Planted(kind, text.replace("SECRET", hidden), hidden)

    make.__name__ = kind
    return make


def _password(source: random.Random) -> str:
    return _of(source, ALNUM, source.randrange(12, 24))


def _mailbox(source: random.Random) -> str:
    """Without what every address here ends in, which is no secret."""
    return (
        f"{_of(source, string.ascii_lowercase, 9)}.{_of(source, string.ascii_lowercase, 5)}@shop-{_of(source, HEX, 4)}"
    )


def _pem(source: random.Random) -> Planted:
    body = "\n".join(_of(source, ALNUM + "+/", 64) for _ in range(6))
    kind = source.choice(["RSA ", "EC ", "OPENSSH ", ""])
    return Planted("pem", f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----", body)


def _spaced_card(source: random.Random) -> Planted:
    digits = _card(source)
    text = source.choice(" -").join(digits[at : at + 4] for at in range(0, 16, 4))
    return Planted("spaced card", f"paid with {text} today", text)


def _basic(source: random.Random) -> str:
    return base64.b64encode(f"user:{_password(source)}".encode()).decode()


# --- by their names -------------------------------------------------------------------------------------------------

_NAMES: Final = (
    "password", "api_key", "client_secret", "access_token", "refresh_token", "session_id", "private_key", "cookie",
    "authorization", "x_api_key", "db_password", "secret_key", "csrf_token", "passphrase", "aws_secret_access_key",
    "pin_code", "encryption_key", "signing_key", "recovery_codes", "user_pass",
)  # fmt: skip


def _named(kind: str, alphabet: str, low: int, high: int) -> Callable[[random.Random], Planted]:
    def make(source: random.Random) -> Planted:
        secret = _of(source, alphabet, source.randrange(low, high))
        return Planted(kind, secret, secret, source.choice(_NAMES))

    make.__name__ = kind
    return make


_KINDS: Final = (
    _prefixed("aws key", "AKIA", UPPER, 16),
    _prefixed("github token", "ghp_", ALNUM, 36),
    _prefixed("github pat", "github_pat_", ALNUM, 40),
    _prefixed("gitlab token", "glpat-", URLSAFE, 20),
    _prefixed("slack token", "xoxb-", string.digits, 24),
    _in_text(
        "slack webhook", "https://hooks.slack.com/services/T0AB/B0CD/SECRET", lambda source: _of(source, ALNUM, 24)
    ),
    _prefixed("stripe key", "sk_live_", ALNUM, 24),
    _prefixed("google key", "AIza", URLSAFE, 35),
    _prefixed("google token", "ya29.", URLSAFE, 60),
    _prefixed("openai key", "sk-proj-", URLSAFE, 48),
    _prefixed("sendgrid key", "SG.", URLSAFE, 66),
    _prefixed("npm token", "npm_", ALNUM, 36),
    _in_text("jwt", "SECRET", _jwt),
    _pem,
    _in_text("password of a url", "https://shop:SECRET@example.com/feed", _password),
    _in_text("password of a dsn", "postgresql+asyncpg://shop:SECRET@db:5432/shop?ssl=1", _password),
    _in_text("password in sql", "ALTER USER shop WITH PASSWORD 'SECRET' VALID UNTIL 'infinity'", _password),
    _in_text("card", "SECRET", _card),
    _spaced_card,
    _in_text("e-mail", "insert into users (name, mail) values ('Ann', 'SECRET.example.org')", _mailbox),
    _in_text("bearer", "Bearer SECRET", lambda source: _of(source, URLSAFE, 40)),
    _in_text("basic", "Authorization: Basic SECRET", _basic),
    _in_text("query string", "page=2&access_token=SECRET&sort=name", lambda source: _of(source, ALNUM, 32)),
    _in_text("json", '{"user": "ann", "password": "SECRET", "remember": true}', _password),
    _named("under a name", ALNUM + "!$%*+", 12, 40),
)


# --- harmless -------------------------------------------------------------------------------------------------------


def harmless() -> list[str]:
    """Values that applications pass about and that nobody minds to see."""
    return [
        make(random.Random(f"harmless {index} {number}"))
        for index, make in enumerate(_HARMLESS)
        for number in range(EACH)
    ]


def _date(source: random.Random) -> str:
    return f"20{source.randrange(10, 30)}-{source.randrange(1, 13):02}-{source.randrange(1, 29):02}"


def _words(source: random.Random, count: int) -> str:
    words = [
        "the",
        "order",
        "of",
        "a",
        "customer",
        "was",
        "packed",
        "and",
        "sent",
        "on",
        "time",
        "with",
        "two",
        "boxes",
    ]
    return " ".join(source.choices(words, k=count))


_HARMLESS: Final[tuple[Callable[[random.Random], str], ...]] = (
    lambda source: str(uuid.UUID(int=source.getrandbits(128))),
    lambda source: _of(source, HEX, 40),
    lambda source: f"sha256:{_of(source, HEX, 64)}",
    _date,
    lambda source: f"{_date(source)}T{source.randrange(24):02}:30:15.123456+00:00",
    lambda source: f"ORD-{source.randrange(10**8):08}",
    lambda source: str(source.randrange(10**15, 10**16)),
    lambda source: str(1_700_000_000_000_000_000 + source.randrange(10**17)),
    lambda source: _words(source, 12).capitalize() + ".",
    lambda source: f"/srv/shop/{_of(source, string.ascii_lowercase, 8)}/views.py:{source.randrange(900)}",
    lambda source: f"https://example.com/{_of(source, string.ascii_lowercase, 8)}?page={source.randrange(9)}&sort=name",
    lambda source: f"SELECT id, total FROM orders WHERE customer = $1 AND day > %s LIMIT {source.randrange(99)}",
    lambda source: f"postgresql://db.internal:5432/{_of(source, string.ascii_lowercase, 6)}",
    lambda source: json.dumps({"id": source.randrange(10**6), "name": _words(source, 2), "total": 12.5, "tags": ["a"]}),
    lambda source: f"+49 30 {source.randrange(10**6, 10**7)}",
    lambda source: ".".join(str(source.randrange(256)) for _ in range(4)) + ":8080",
    lambda source: (
        f"v{source.randrange(9)}.{source.randrange(30)}.{source.randrange(30)}-rc1+build.{source.randrange(99)}"
    ),
    lambda source: f"Mozilla/5.0 (X11; Linux x86_64) Gecko/{source.randrange(10**8)} Firefox/1{source.randrange(30)}.0",
    lambda source: f'<li class="item" data-id="{source.randrange(10**5)}">{_words(source, 3)}</li>',
    lambda source: base64.b64encode(_words(source, 6).encode()).decode(),
    lambda source: f"978-3-16-{source.randrange(10**6):06}-{source.randrange(10)}",
    lambda source: f"{source.uniform(-90, 90):.6f},{source.uniform(-180, 180):.6f}",
    lambda source: f"DE{source.randrange(10**19, 10**20)}",
    lambda source: (
        f"shop.pricing.{_of(source, string.ascii_lowercase, 7)}.Money@{source.randrange(3)}.{source.randrange(20)}.1"
    ),
    lambda source: (
        f"text/html; charset=utf-8; q=0.{source.randrange(10)}, token_type: bearer, key={source.randrange(99)}"
    ),
)
