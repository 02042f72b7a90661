"""The gateway beside what only passes on: a bare ASGI app over the same transport, and nginx."""

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

from deploy.local import process
from tests.bench import family, regency
from tests.bench.frame import Bench, Figure, Program, interleaved, median, ratio
from tests.bench.load import Load
from tests.support.stack import ISSUER

CPU_AIM = "ratio <= 1.5"
ADDED_AIM = "value <= 0.6"
SERVICES = ("registry", "programs", "distribution", "indicators")
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  keepalive_requests 1000000000;
  upstream service {{
    server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
}}
"""


async def run(bench: Bench) -> AsyncIterator[Figure]:
    """Measure what the gateway costs, what it adds to an answer's time, and what it leaves."""
    upstream = await bench.serve("upstream", "tests.bench.bare:fixed", {})
    passing = {
        "gateway": await _gateway(bench, "gateway", upstream),
        "bare": await bench.serve(
            "bare-gateway", "tests.bench.bare:pass_through", {"BENCH_UPSTREAM": upstream.url}
        ),
    }
    if (program := shutil.which("nginx")) is not None:
        passing["nginx"] = await _nginx(bench, program, upstream)
    order = replace(family.family_order(bench, []), paths=["/v1/families/any"])
    found = await interleaved(
        {name: partial(bench.load, server, order) for name, server in passing.items()}
    )
    for figure in _costs(found):
        yield figure
    one = replace(order, connections=1, seconds=1.5)
    times = await interleaved(
        {
            name: partial(bench.load, server, one)
            for name, server in {"direct": upstream, **passing}.items()
        }
    )
    added = {name: _added(times[name], times["direct"]) for name in passing}
    name = "gateway, p50 added at one connection, beside the bare pass-through"
    yield Figure(name, added["gateway"], "ms", added["bare"], aim=ADDED_AIM)
    yield await _kept(bench)


def _costs(found: dict[str, list[Load]]) -> list[Figure]:
    cpu = {name: [load.cpu_us for load in loads] for name, loads in found.items()}
    name = "gateway, processor time, beside "
    figures = [
        Figure(
            name + other,
            median(cpu["gateway"]),
            "µs/request",
            median(cpu[limit]) if limit in cpu else None,
            ratio(cpu["gateway"], cpu[limit]) if limit in cpu else None,
            aim,
        )
        for limit, other, aim in (
            ("bare", "a bare ASGI pass-through of its transport", CPU_AIM),
            ("nginx", "nginx" if "nginx" in cpu else "nginx (nginx not found)", ""),
        )
    ]
    if "nginx" in found:
        rates = {variant: [load.per_s for load in loads] for variant, loads in found.items()}
        figures.append(
            Figure(
                "gateway, beside nginx",
                median(rates["gateway"]),
                "req/s",
                median(rates["nginx"]),
                ratio(rates["gateway"], rates["nginx"]),
            )
        )
    return figures


def _added(through: list[Load], direct: list[Load]) -> float:
    return median(one.p50_ms - other.p50_ms for one, other in zip(through, direct, strict=True))


async def _kept(bench: Bench) -> Figure:
    """Return what of the family route's rate is left behind the gateway."""
    urls, ids = await regency.build(bench)
    registry = await family.serve_registry(bench, urls)
    order = family.family_order(bench, ids)
    gateway = await _gateway(bench, "gateway-family", registry)
    found = await interleaved(
        {
            "direct": partial(bench.load, registry, order),
            "through": partial(bench.load, gateway, order),
        }
    )
    rates = {variant: [load.per_s for load in loads] for variant, loads in found.items()}
    return Figure(
        "family by id through the gateway, beside its direct rate",
        median(rates["through"]),
        "req/s",
        median(rates["direct"]),
        ratio(rates["through"], rates["direct"]),
    )


async def _gateway(bench: Bench, name: str, upstream: Program) -> Program:
    environment = {f"GATEWAY_{service.upper()}_URL": upstream.url for service in SERVICES}
    issuers = [{"issuer": ISSUER, "jwks": bench.stack.signer.jwks}]
    environment["GATEWAY_ISSUERS"] = json.dumps(issuers)
    environment["GATEWAY_CALLS_PER_MINUTE"] = "100000000"
    return await bench.serve(name, "gateway.main:create_app", environment)


async def _nginx(bench: Bench, program: str, upstream: Program) -> Program:
    folder = bench.stack.folder / "nginx"
    folder.mkdir()
    port = process.free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, upstream=upstream.port, port=port))
    nginx = bench.start("nginx", [program, "-c", str(config)], {}, port)
    await nginx.answers()
    return nginx
