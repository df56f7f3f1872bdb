from __future__ import annotations

from example_app.broadcast import INBOX_SIZE, Channel, Channels


def test_every_listener_gets_every_message() -> None:
    channel = Channel()
    with channel.listen() as first, channel.listen() as second:
        assert channel.publish("hello") == 2
        assert first.get_nowait() == second.get_nowait() == "hello"


def test_a_listener_that_left_gets_nothing() -> None:
    channel = Channel()
    with channel.listen() as inbox:
        pass
    assert channel.publish("hello") == 0
    assert inbox.empty()


def test_a_slow_listener_misses_the_oldest_messages_only() -> None:
    channel = Channel()
    with channel.listen() as inbox:
        for number in range(INBOX_SIZE + 2):
            channel.publish(str(number))
        assert inbox.qsize() == INBOX_SIZE
        assert inbox.get_nowait() == "2"


def test_a_channel_is_forgotten_when_the_last_listener_leaves() -> None:
    channels = Channels()
    with channels.join("hall") as (first, _):
        with channels.join("hall") as (second, _):
            assert first is second
        assert len(channels) == 1
    assert len(channels) == 0
