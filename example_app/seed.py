"""The shop's first stock: always the same products, customers and reviews.

Several workers start at once and each may find no database. So it is built whole under a name of the worker's own and
then linked into place: exactly one link succeeds, the others find a finished file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from itertools import product as pairs
from pathlib import Path

from sqlalchemy import URL, create_engine, event
from sqlalchemy.orm import Session

from .database import prepare
from .models import Base, Customer, Product, Review
from .passwords import hash_password

DEMO_EMAIL = "demo@example.org"
DEMO_PASSWORD = "correct horse"  # noqa: S105 - of an account with play money
PRODUCTS = 200
SOLD_OUT = 13  # every so many products one cannot be had

ADJECTIVES = ("Amber", "Birch", "Cobalt", "Dusty", "Early", "Folded", "Gentle", "Hollow", "Ivory", "Jade")
NOUNS = (
    *("kettle", "lamp", "basket", "chair", "clock", "mirror", "bowl", "shelf", "blanket", "candle"),
    *("jug", "stool", "tray", "vase", "rug", "cushion", "frame", "hook", "board", "mug"),
)
CATEGORIES = ("kitchen", "living", "hall", "bath", "garden")
AUTHORS = 12
OPINIONS = ("Does what it should.", "Came late, but well packed.", "Would buy again.", "Smaller than in the picture.")


def ensure_database(path: Path, scrypt_n: int) -> None:
    """Make and seed the database unless it exists; safe to call from several processes at once."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        draft = Path(scratch) / path.name
        _build(draft, scrypt_n)
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another worker was first


def _build(path: Path, scrypt_n: int) -> None:
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", prepare)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for rows in (_customers(scrypt_n), _products(), _reviews()):
            session.add_all(rows)
            session.flush()
        session.commit()
    engine.dispose()  # closing the last connection folds the write-ahead log into the file


def list_price_cents(number: int) -> int:
    """The seeded price of product ``number``, from 3.00 to 92.99."""
    return 300 + number * 137 % 9000


def _customers(scrypt_n: int) -> Iterator[Customer]:
    yield Customer(id=1, email=DEMO_EMAIL, name="Demo", password_hash=hash_password(DEMO_PASSWORD, scrypt_n))
    for number in range(2, AUTHORS + 2):
        # An empty hash matches no password: these customers only write reviews.
        yield Customer(id=number, email=f"reader{number}@example.org", name=f"Reader {number}", password_hash="")


def _products() -> Iterator[Product]:
    for number, (adjective, noun) in enumerate(pairs(ADJECTIVES, NOUNS), start=1):
        yield Product(
            id=number,
            name=f"{adjective} {noun}",
            category=CATEGORIES[number % len(CATEGORIES)],
            price_cents=list_price_cents(number),
            stock=1_000_000 if number % SOLD_OUT else 0,
        )


def _reviews() -> Iterator[Review]:
    for product_id in range(1, PRODUCTS + 1):
        for place in range(3 + product_id % 8):
            yield Review(
                product_id=product_id,
                author_id=2 + (product_id + place) % AUTHORS,
                stars=1 + (product_id + place) % 5,
                text=OPINIONS[(product_id + place) % len(OPINIONS)],
            )
