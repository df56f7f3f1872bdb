"""A small shop, traced with scope: the service that the tests run, the demo loads and the documentation quotes."""
