import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.headers import named_by_connection, to_caller, with_defaults
from gateway.limits import network_of
from gateway.routes import ROUTES, Router

ROUTER = Router()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.prefix)
def test_a_route_serves_its_prefix_and_everything_below(route):
    prefix = route.prefix.encode()
    for path in (prefix, prefix + b"/x", prefix + b"/x/y/z%20"):
        assert ROUTER.find(path) is route
    assert ROUTER.find(prefix + b"x") is not route


def test_prefixes_are_unique():
    assert len({route.prefix for route in ROUTES}) == len(ROUTES)


@given(st.binary(max_size=60))
def test_any_bytes_after_a_prefix_stay_below_it_or_have_no_route(rest):
    found = ROUTER.find(b"/v1/families/" + rest)
    if found is not None:
        assert found.prefix == "/v1/families"
        assert all(segment not in (b"", b".", b"..") for segment in rest.split(b"/"))


@given(st.binary(max_size=80))
def test_any_bytes_at_all_are_answered(path):
    ROUTER.find(path)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("testclient", "unknown"),
        ("", "unknown"),
    ],
)
def test_callers_are_counted_by_what_one_subscriber_has(address, network):
    assert network_of(address) == network


def test_connection_may_not_name_the_headers_that_frame_a_message():
    named = named_by_connection([(b"connection", b"close, X-A, content-length, Authorization")])
    assert named == {b"close", b"x-a"}


def test_names_of_answers_are_lower_case_and_hop_by_hop_is_gone():
    given_headers = [(b"ETag", b"1"), (b"Connection", b"X-B"), (b"X-B", b"2"), (b"Server", b"s")]
    assert to_caller(given_headers) == [(b"etag", b"1")]


def test_defaults_do_not_replace_what_is_there():
    assert with_defaults([(b"a", b"1")], [(b"a", b"2"), (b"b", b"3")]) == [
        (b"a", b"1"),
        (b"b", b"3"),
    ]
