from datetime import timedelta

from services.shared import clock
from services.shared.ids import new_id


def test_an_id_is_a_uuid_of_version_7_that_carries_the_time() -> None:
    before = clock.now()
    made = new_id()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    milliseconds = made.int >> 80
    assert abs(milliseconds / 1000 - before.timestamp()) < timedelta(seconds=1).total_seconds()


def test_ids_of_one_millisecond_differ() -> None:
    assert len({new_id() for _ in range(10_000)}) == 10_000
