from __future__ import annotations

from example_app.passwords import hash_password, password_matches


def test_only_the_right_password_matches() -> None:
    stored = hash_password("correct horse", 2)
    assert password_matches("correct horse", stored)
    assert not password_matches("correct  horse", stored)


def test_the_same_password_is_never_stored_twice_alike() -> None:
    assert hash_password("correct horse", 2) != hash_password("correct horse", 2)


def test_an_account_without_a_password_has_no_matching_one() -> None:
    assert not password_matches("", "")
