"""Text cut to a number of bytes."""

from __future__ import annotations

__all__ = ["cut", "cut_front"]


def cut(text: str, size: int) -> str:
    """``text`` within ``size`` bytes of UTF-8, marked where it was cut.

    It is cut before a word and what looks like a number before it: half a secret does not show that it is one.
    """
    if len(text) <= size and text.isascii():
        return text
    encoded = text[: size + 1].encode("utf-8", "replace")
    if len(encoded) <= size:
        return encoded.decode()
    kept = encoded[: max(size - 3, 0)].decode("utf-8", "ignore")
    words = kept[:-64] + kept[-64:].rpartition(" ")[0] if " " in kept[-64:] else kept
    return f"{words.rstrip('0123456789 -')}…" if size >= 3 else ""


def cut_front(text: str, size: int) -> str:
    """``text`` within ``size`` bytes of UTF-8, without its beginning where it is longer."""
    if len(text) <= size and text.isascii():
        return text
    encoded = text[-size - 1 :].encode("utf-8", "replace")
    if len(encoded) <= size:
        return encoded.decode()
    return "…" + encoded[len(encoded) - max(size - 3, 0) :].decode("utf-8", "ignore") if size >= 3 else ""
