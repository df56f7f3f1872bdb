from __future__ import annotations

from pathlib import Path

import pytest

from example_app.settings import SettingError, Settings


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_every_variable_has_its_setting() -> None:
    environment = {
        "SHOP_DATABASE": "/data/shop.db",
        "SHOP_PAYMENTS_URL": "http://127.0.0.1:9999",
        "SHOP_PAYMENTS_TIMEOUT_S": "0.5",
        "SHOP_ADMIN_KEY": "k",
        "SHOP_SCRYPT_N": "1024",
        "SHOP_MAIL_DELAY_S": "0",
    }
    assert Settings.from_environment(environment) == Settings(
        Path("/data/shop.db"), "http://127.0.0.1:9999", 0.5, "k", 1024, 0.0
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_SCRYPT_N", "1000"),
        ("SHOP_SCRYPT_N", "1"),
        ("SHOP_SCRYPT_N", "32768"),
        ("SHOP_SCRYPT_N", "much"),
        ("SHOP_MAIL_DELAY_S", "-1"),
        ("SHOP_MAIL_DELAY_S", "nan"),
        ("SHOP_PAYMENTS_TIMEOUT_S", "soon"),
    ],
)
def test_a_bad_value_names_the_variable_and_the_value(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"{name}='{value}'"):
        Settings.from_environment({name: value})
