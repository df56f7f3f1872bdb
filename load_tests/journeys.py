"""What customers of the shop do, and how often: a journey is a few requests in the order in which people make them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from example_app.seed import DEMO_EMAIL, DEMO_PASSWORD, PRODUCTS

from .report import NO_ANSWER
from .visitor import Visitor

GOOD_CARD = "4242424242424242"
SLOW_CARD = "4000000000000259"
DECLINED_CARD = "4000000000000002"
BROKEN_CARD = "4000000000000119"
CARDS = {GOOD_CARD: 7, SLOW_CARD: 1, DECLINED_CARD: 1, BROKEN_CARD: 1}

# What each way to fail is answered with.
FAILURES = {
    "http/418": 418,
    "domain": 409,
    "validation": 422,
    "response": 500,
    "unhandled": 500,
    "thread": 500,
    "dependency": 500,
    "cleanup": 500,
    "background": 202,
    "timeout": 504,
    "cancelled": 502,
    "stream": NO_ANSWER,
}

Journey = Callable[[Visitor], Awaitable[None]]


async def browse(visitor: Visitor) -> None:
    page = visitor.chance.randint(1, PRODUCTS // 20)
    await visitor.get("list", f"/products?page={page}")
    for _ in range(visitor.chance.randint(1, 3)):
        product = visitor.chance.randint(1, PRODUCTS)
        await visitor.get("product", f"/products/{product}")
        for quantity in (1, visitor.chance.randint(2, 200)):
            await visitor.get("price", f"/products/{product}/price?quantity={quantity}")


async def buy(visitor: Visitor) -> None:
    form = {"email": DEMO_EMAIL, "password": DEMO_PASSWORD}
    answer = await visitor.send("login", "POST", "/accounts/login", json=form)
    if answer is None or answer.is_error:
        return
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    await visitor.send("me", "GET", "/accounts/me", headers=headers)
    lines = [{"product_id": visitor.chance.randint(1, PRODUCTS), "quantity": n} for n in (1, 2)]
    card = visitor.chance.choices(list(CARDS), list(CARDS.values()))[0]
    basket = {"card": card, "lines": lines}
    # 409: sold out, 402: declined, 502: the payments service failed. All are part of a shop's day.
    expect = {201, 402, 409, 502}
    await visitor.send("checkout", "POST", "/checkout", json=basket, headers=headers, expect=expect)


async def register(visitor: Visitor) -> None:
    form = {"email": f"v{visitor.chance.getrandbits(64)}@example.org", "name": "Visitor", "password": "long enough"}
    await visitor.send("register", "POST", "/accounts", json=form)
    await visitor.send("login", "POST", "/accounts/login", json=form | {"password": "forgotten"}, expect={401})


async def report(visitor: Visitor) -> None:
    await visitor.get("summary", "/reports/summary")
    await visitor.get("similar", "/reports/similar?limit=40")


async def stocktake(visitor: Visitor) -> None:
    await visitor.get("stocktake", "/reports/stocktake?ms=50")


async def export(visitor: Visitor) -> None:
    await visitor.get("export", "/exports/products.csv")


async def follow(visitor: Visitor) -> None:
    await visitor.get("events", "/events/orders?limit=3&tick_ms=20")


async def chat(visitor: Visitor) -> None:
    room = visitor.chance.choice(("hall", "attic", "cellar"))
    await visitor.talk("chat", f"/chat/{room}", ["hello", "anyone here?", "bye"])


async def fail(visitor: Visitor) -> None:
    path, status = visitor.chance.choice(list(FAILURES.items()))
    # The server hangs up after an exception; to ask for it is to know it before the next request is sent.
    headers = {"Connection": "close"}
    await visitor.send("failure", "GET", f"/failures/{path}", headers=headers, expect={status})


async def give_up(visitor: Visitor) -> None:
    """Leave before the answer is there."""
    await visitor.send("give up", "GET", "/failures/hang?seconds=0.2", expect={NO_ANSWER}, timeout_s=0.05)


async def administrate(visitor: Visitor) -> None:
    headers = {"X-Admin-Key": visitor.admin_key}
    expect = {200} if visitor.admin_key else {403}
    product = visitor.chance.randint(1, PRODUCTS)
    level = {"pieces": 1_000_000}
    await visitor.send("restock", "PUT", f"/admin/stock/{product}", json=level, headers=headers, expect=expect)
    await visitor.send("orders", "GET", "/admin/orders", headers=headers, expect=expect)


# How often each happens, of all journeys together.
MIX: dict[Journey, int] = {
    browse: 50,
    buy: 14,
    register: 4,
    report: 4,
    stocktake: 1,
    export: 4,
    follow: 3,
    chat: 5,
    fail: 10,
    give_up: 2,
    administrate: 3,
}
