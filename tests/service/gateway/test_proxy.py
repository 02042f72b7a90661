"""The pass-through between real servers, over both transports."""

import asyncio
import hashlib
import os
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.waiting import wait_until

MEGABYTE = 1_000_000
UPLOAD = "/v1/uploads/registry/echo"


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict:
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["trace_id"]
    return answer.json()


async def pieces(content: bytes, size: int = 64 * 1024):
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def test_method_path_query_and_body_arrive_as_they_were(gateway):
    answer = await gateway.call(
        "PATCH", "/v1/families/0f%20a/parts?x=1&y=a%20b&x=2", content=b'{"a": 1}'
    )
    told = answer.json()
    assert (told["method"], told["path"]) == ("PATCH", "/v1/families/0f%20a/parts")
    assert told["query"] == "x=1&y=a%20b&x=2"
    assert told["sha256"] == hashlib.sha256(b'{"a": 1}').hexdigest()


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"])
async def test_every_method_passes_with_and_without_a_body(gateway, method):
    assert (await gateway.call(method, "echo")).status_code == 200
    assert (await gateway.call(method, "echo", content=b"x")).status_code == 200
    assert (await gateway.call(method, "empty")).status_code == 204


@pytest.mark.parametrize("chunked", [False, True])
async def test_20_megabytes_go_up_unchanged(gateway, chunked):
    content = os.urandom(20 * MEGABYTE)
    answer = await gateway.call("PATCH", UPLOAD, content=pieces(content) if chunked else content)
    assert answer.json()["size"] == 20 * MEGABYTE
    assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()


async def test_20_megabytes_come_down_unchanged(gateway):
    content = os.urandom(20 * MEGABYTE)
    answer = await gateway.call("POST", "/v1/uploads/registry/store", content=content)
    assert answer.status_code == 201
    assert answer.content == content


async def test_bytes_are_not_looked_into(gateway):
    headers = gateway.auth()
    async with gateway.client.stream("GET", "/v1/families/zipped", headers=headers) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert raw == b"not really gzip"
    assert answer.headers["content-encoding"] == "gzip"


async def test_redirects_are_passed_on_not_followed(gateway):
    answer = await gateway.call("GET", "redirect")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/v1/families/echo"


async def test_an_early_answer_to_a_large_upload_arrives(gateway):
    answer = await gateway.call(
        "POST", "/v1/uploads/registry/refuse", content=pieces(os.urandom(20 * MEGABYTE))
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "from_upstream")


async def test_a_large_upload_without_a_token_is_refused_before_it_is_read(gateway):
    answer = await gateway.client.post(UPLOAD, content=pieces(os.urandom(20 * MEGABYTE)))
    assert_problem(answer, 401, "token_missing")
    assert gateway.upstream.seen == []


async def test_a_body_declared_too_large_never_reaches_the_service(gateway):
    answer = await gateway.call("POST", "echo", content=b"x" * 2_000_001)
    assert_problem(answer, 413, "too_large")
    assert {"ratelimit", "ratelimit-policy"} <= set(answer.headers)
    assert gateway.upstream.seen == []


async def test_a_body_that_grows_too_large_is_cut_off(gateway):
    answer = await gateway.call("POST", "echo", content=pieces(os.urandom(5 * MEGABYTE)))
    assert_problem(answer, 413, "too_large")
    await wait_until(gateway.upstream.disconnected.is_set)
    assert gateway.upstream.read_bytes <= 2_000_000


async def test_an_answer_that_does_not_come_is_504(make_gateway):
    gateway = await make_gateway(deadline_s=0.3, request_s_max=1.5)
    started = time.perf_counter()
    assert_problem(await gateway.call("GET", "slow"), 504, "upstream_slow")
    assert time.perf_counter() - started < 1.2
    await wait_until(gateway.upstream.disconnected.is_set)


async def test_an_upload_may_take_longer_than_the_deadline_while_it_moves(make_gateway):
    gateway = await make_gateway(deadline_s=0.5)

    async def slowly():
        for _ in range(8):
            await asyncio.sleep(0.15)
            yield b"x"

    answer = await gateway.call("PATCH", UPLOAD, content=slowly())
    assert answer.json()["size"] == 8


async def test_a_caller_that_stops_sending_is_408(make_gateway):
    gateway = await make_gateway(deadline_s=0.3)

    async def stalls():
        yield b"x"
        await asyncio.sleep(1)
        yield b"y"

    assert_problem(await gateway.call("PATCH", UPLOAD, content=stalls()), 408, "request_timeout")


async def test_a_dead_service_is_502_and_the_others_answer(make_gateway):
    gateway = await make_gateway(dead=("programs",))
    answer = await gateway.call("GET", "/v1/programs")
    assert_problem(answer, 502, "upstream_unreachable")
    assert answer.json()["title"].startswith("Layanan di belakang gerbang")
    assert (await gateway.call("GET", "echo")).status_code == 200
    english = await gateway.call("GET", "/v1/programs", headers={"Accept-Language": "en"})
    assert english.json()["title"] == "The service behind the gateway cannot be reached"


async def test_an_answer_that_breaks_off_is_not_made_to_look_whole(gateway):
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway.call("GET", "broken")


async def test_an_answer_that_stops_halfway_is_cut_at_the_deadline(make_gateway):
    gateway = await make_gateway(deadline_s=0.3)
    with pytest.raises(httpx.RemoteProtocolError):
        await gateway.call("GET", "stuck")
    await wait_until(gateway.upstream.disconnected.is_set)


async def test_a_caller_that_leaves_frees_the_service(make_gateway):
    gateway = await make_gateway(request_s_max=1.5)
    with pytest.raises(httpx.ReadTimeout):
        await gateway.call("GET", "slow", timeout=0.3)
    await wait_until(gateway.upstream.disconnected.is_set)


async def test_a_request_left_alone_counts_while_the_service_works_on_it(make_gateway, transport):
    gateway = await make_gateway(concurrent_max=1)
    with pytest.raises(httpx.ReadTimeout):
        await gateway.call("GET", "wait", timeout=0.3)
    await asyncio.sleep(0.1)  # nothing tells when the gateway has noticed
    status = (await gateway.call("GET", "echo")).status_code
    assert status == (503 if transport == "pyreqwest" else 200)

    gateway.upstream.release.set()

    async def answers() -> bool:
        return (await gateway.call("GET", "echo")).status_code == 200

    await wait_until(answers)


async def test_a_caller_that_leaves_during_an_upload_frees_the_service(gateway):
    parts = urlsplit(gateway.url)
    line = socket.create_connection((parts.hostname, parts.port))
    token = gateway.auth()["Authorization"]
    head = (
        f"PATCH {UPLOAD} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\nAuthorization: {token}"
    )
    await asyncio.to_thread(line.sendall, head.encode() + b"\r\n\r\n" + b"x" * 100_000)
    await wait_until(lambda: gateway.upstream.read_bytes > 0)
    line.close()
    await wait_until(gateway.upstream.disconnected.is_set)


async def test_more_than_the_service_can_take_is_503_at_once(make_gateway):
    gateway = await make_gateway(concurrent_max=2)
    waiting = [asyncio.create_task(gateway.call("GET", "wait")) for _ in range(2)]
    await wait_until(lambda: len(gateway.upstream.seen) == 2)
    answer = await gateway.call("GET", "echo")
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert (await gateway.call("GET", "/v1/programs/echo")).status_code == 200

    gateway.upstream.release.set()
    assert [(await task).status_code for task in waiting] == [200, 200]
    assert (await gateway.call("GET", "echo")).status_code == 200


# --- server-sent events ------------------------------------------------------------------------


async def test_events_pass_as_they_come(gateway):
    headers = {**gateway.auth(), "Last-Event-ID": "7"}
    async with gateway.client.stream("GET", "/v1/families/events", headers=headers) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        chunks = answer.aiter_raw()
        assert await asyncio.wait_for(anext(chunks), 2) == b"id: 1\ndata: one\n\n"
        gateway.upstream.release.set()
        assert await asyncio.wait_for(anext(chunks), 2) == b"id: 2\ndata: two\n\n"
    await wait_until(gateway.upstream.disconnected.is_set)
    assert (b"last-event-id", b"7") in gateway.upstream.seen[0]["headers"]


async def test_events_are_quiet_longer_than_the_deadline_and_end_with_the_token(make_gateway):
    gateway = await make_gateway(deadline_s=0.2)
    headers = gateway.auth(lifetime_s=2)
    started = time.perf_counter()
    async with gateway.client.stream("GET", "/v1/families/events", headers=headers) as answer:
        whole = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert whole == b"id: 1\ndata: one\n\n"
    assert 0.5 < time.perf_counter() - started < 4
    await wait_until(gateway.upstream.disconnected.is_set)


async def test_streams_are_counted_apart_from_requests_and_limited(make_gateway):
    gateway = await make_gateway(concurrent_max=1, streams_max=3, streams_per_caller_max=1)
    headers = gateway.auth()
    async with gateway.client.stream("GET", "/v1/families/events", headers=headers) as answer:
        chunks = answer.aiter_raw()
        await anext(chunks)
        assert (await gateway.call("GET", "echo")).status_code == 200
        assert_problem(await gateway.call("GET", "events"), 429, "too_many_requests")
    await wait_until(gateway.upstream.disconnected.is_set)

    async def opens_again() -> bool:
        opened = gateway.client.stream("GET", "/v1/families/events", headers=headers)
        async with opened as answer:
            return answer.status_code == 200

    await wait_until(opens_again)


# --- headers -----------------------------------------------------------------------------------


async def test_only_end_to_end_headers_arrive_and_nobody_pretends(gateway):
    answer = await gateway.call(
        "GET",
        "echo",
        headers={
            "Connection": "keep-alive, X-Secret",
            "X-Secret": "1",
            "TE": "trailers",
            "Cookie": "a=b",
            "X-Forwarded-For": "1.2.3.4",
            "X-Forwarded-Host": "evil.example",
            "Forwarded": "for=1.2.3.4",
            "X-Real-IP": "1.2.3.4",
            "Accept-Language": "en",
            "If-Match": '"3"',
            "X-Request-Id": "mine-1",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    )
    got = answer.json()["headers"]
    names = [name for name, _ in got]
    arrived = dict(got)
    for gone in ("x-secret", "te", "cookie", "forwarded", "x-real-ip"):
        assert gone not in names
    assert len(names) == len(set(names))
    assert arrived["x-forwarded-for"] == "127.0.0.1"
    assert arrived["x-forwarded-proto"] == "http"
    assert arrived["x-forwarded-host"] == urlsplit(gateway.url).netloc
    assert arrived["host"] != arrived["x-forwarded-host"]
    assert (arrived["accept-language"], arrived["if-match"]) == ("en", '"3"')
    assert arrived["x-request-id"] == answer.headers["x-request-id"] == "mine-1"
    assert arrived["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert arrived["authorization"].startswith("Bearer ")


async def test_a_trace_begins_at_the_gateway_when_the_caller_has_none(gateway):
    answer = await gateway.call("GET", "echo")
    traceparent = dict(answer.json()["headers"])["traceparent"]
    assert traceparent.split("-")[1] == answer.headers["x-request-id"]


async def test_the_services_own_headers_stay_inside_and_security_headers_are_added(gateway):
    answer = await gateway.call("GET", "crash")
    assert answer.status_code == 404
    for gone in ("set-cookie", "x-powered-by", "keep-alive"):
        assert gone not in answer.headers
    assert answer.headers["etag"] == '"7"'
    assert answer.headers["cache-control"] == "private"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["api-version"] == "1"
    assert len(answer.headers.get_list("date")) <= 1


async def test_a_very_long_address_is_414(gateway):
    answer = await gateway.call("GET", "/v1/families?x=" + "a" * 9000)
    assert_problem(answer, 414, "uri_too_long")
