"""``betang agency``: the doors of the agencies (SKPD) on a running NATS server."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import nats.errors
import nats.js.errors

from deploy.nats import agency
from deploy.nats.authority import Authority, AuthorityError
from services.shared.cli.language import t
from services.shared.cli.shape import DONE, Commands, Options, Parser, rows_of, say
from services.shared.migrations import NotConfigured

T = TypeVar("T")


def authority() -> Authority:
    """Return the operator's keys that ``NATS_AUTHORITY`` names."""
    folder = os.environ.get("NATS_AUTHORITY")
    if not folder:
        raise NotConfigured(
            t("NATS_AUTHORITY belum diisi: folder kunci operator NATS",
              "NATS_AUTHORITY is not set: the folder of the NATS operator's keys")
        )  # fmt: skip
    if not Path(folder, "keys").is_dir():
        raise NotConfigured(t(f"{folder}: bukan folder kunci", f"{folder}: no folder of keys"))
    return Authority(Path(folder))


def nats_url() -> str:
    """Return the running server that ``NATS_URL`` names."""
    return os.environ.get("NATS_URL") or "nats://127.0.0.1:4222"


def issue(options: Options) -> int:
    """Give an agency its account, or renew what it has."""
    door = ask(agency.issue(authority(), nats_url(), options.code, replicas=_replicas()))
    say(
        *rows_of(
            [
                (t("kode", "code"), door.code),
                ("creds", door.creds),
                (t("kirim", "publish"), f"{door.publish}<type>"),
                (t("dengar", "hear"), door.hear),
            ]
        )
    )
    return DONE


def revoke(options: Options) -> int:
    """Take an agency's account away; its connections end, its events stay."""
    ask(agency.revoke(authority(), nats_url(), options.code))
    say(t(f"{options.code}: akses dicabut", f"{options.code}: access was taken away"))
    return DONE


def renew(_: Options) -> int:
    """Tell a server that lost its accounts, or a new one, all of them again."""
    known = authority()
    ask(agency.restore(known, nats_url()))
    for each in known.agencies():
        if each.active:
            stream = agency.ensure_stream(known, nats_url(), each.code, replicas=_replicas())
            ask(stream)
    say(t(f"{len(known.agencies())} akun disampaikan", f"{len(known.agencies())} accounts told"))
    return DONE


def list_all(_: Options) -> int:
    """List the agencies that ever had an account."""
    active, gone = t("aktif", "active"), t("dicabut", "revoked")
    say(*rows_of([(a.code, active if a.active else gone) for a in authority().agencies()]))
    return DONE


def ask(calls: Coroutine[Any, Any, T]) -> T:
    """Run calls to the server; a refusal is an ``OSError`` with one sentence."""
    try:
        return asyncio.run(calls)
    except (nats.errors.Error, nats.js.errors.Error, AuthorityError) as error:
        text = t("server NATS menolak", "the NATS server refused")
        raise OSError(f"{text}: {error or type(error).__name__}") from error


def add(to: Commands) -> None:
    """Add these commands."""
    text = t("Akun NATS perangkat daerah (SKPD).", "The agencies' NATS accounts.")
    group = to.group("agency", text, "issue|revoke|list|renew")
    text = t("Beri akun dan berkas kredensial.", "Give an account and a creds file.")
    _code(group.plain("issue", text, issue))
    text = t("Cabut akun; sambungannya putus.", "Take the account away; connections end.")
    _code(group.plain("revoke", text, revoke))
    group.plain("list", t("Daftar perangkat daerah.", "List the agencies."), list_all)
    text = t("Sampaikan semua akun ke server NATS.", "Tell the NATS server all accounts again.")
    group.plain("renew", text, renew)


def _replicas() -> int:
    """Return on how many servers of a cluster an agency's stream is kept."""
    return int(os.environ.get("NATS_REPLICAS") or "1")


def _code(parser: Parser) -> None:
    parser.add_argument("code", help=t("misalnya DINSOS", "for example DINSOS"))
