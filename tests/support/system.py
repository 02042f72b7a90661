"""The whole of Betang as real processes, for the end-to-end and the fault tests.

``python -m deploy.local up`` runs it, as for a newcomer, with data in a temporary folder.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import nats

from deploy.local import process
from deploy.local.issuer import PEOPLE, Person, token_of
from deploy.local.supervisor import answers
from deploy.nats import agency, permissions
from deploy.nats.authority import Authority
from services.shared.roles import Role
from services.shared.signing import TokenSigner
from tests.support.documented import Documented
from tests.support.documents import merged_document
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_S = 180
STOP_S = 60


class RunningSystem:
    """``gateway_url`` is the door; ``token`` and ``auth`` say who knocks.

    ``given`` are further variables, such as those that name servers to use.
    """

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self.given = given or {}
        self.state = Path(tempfile.mkdtemp(prefix="betang-system-"))
        self.gateway_url = ""
        self.nats_url = ""
        self.authority: Authority
        self.signer: TokenSigner
        self.client: httpx.AsyncClient
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the supervisor said; each part's own log is in ``state/log``."""
        return self.state / "supervisor.log"

    def logs(self) -> list[Path]:
        """Return the logs of all parts."""
        return sorted((self.state / "log").glob("*.log"))

    async def start(self) -> None:
        """Start everything, without demo data, and wait until it answers."""
        env = {name: value for name, value in os.environ.items() if not _names_a_server(name)}
        env |= {"BETANG_STATE": str(self.state), "GATEWAY_PORT": str(process.free_port())}
        env |= self.given
        command = [sys.executable, "-m", "deploy.local", "up", "--families", "0"]
        self._process = process.spawn(command, log=self.log, env=env, cwd=ROOT)
        running = self.state / "running.json"
        await wait_until(lambda: self._still_lives() and running.exists(), within_s=START_S)
        await self.join(running)

    async def join(self, running: Path) -> None:
        """Become a client of what the file ``running`` tells of, once it knows the regions."""
        told: dict[str, Any] = json.loads(await asyncio.to_thread(running.read_text))
        self.gateway_url, self.nats_url = told["gateway_url"], told["nats_url"]
        self.authority = Authority(Path(told["authority"]))
        pem = Path(told["secrets"], "issuer.pem")
        self.signer = TokenSigner.from_pem(
            told["issuer_url"], await asyncio.to_thread(pem.read_bytes)
        )
        hooks = {"response": [Documented(merged_document())]}
        self.client = httpx.AsyncClient(base_url=self.gateway_url, timeout=30, event_hooks=hooks)
        await wait_until(self._knows_regions, within_s=START_S)

    async def _knows_regions(self) -> bool:
        """Whether the registry's worker has loaded the regions, its first work at a first start."""
        answer = await self.client.get("/v1/regions", headers=self.auth("admin_dinsos"))
        return answer.status_code == 200 and bool(answer.json()["data"])

    async def stop(self) -> None:
        """Stop it as Ctrl-C does, and remove its data."""
        if self._process is not None:
            await self.interrupt()
            with contextlib.suppress(AttributeError):
                await self.client.aclose()
        await asyncio.to_thread(shutil.rmtree, self.state, True)

    def token(
        self,
        *roles: str,
        regions: Sequence[str] | None = None,
        agency: str | None = None,
        subject: str | None = None,
    ) -> str:
        """Return a token: of a development person by name alone, or of anybody described."""
        undescribed = regions is None and agency is None and subject is None
        if len(roles) == 1 and roles[0] in PEOPLE and undescribed:
            return token_of(self.signer, PEOPLE[roles[0]])
        regions = ["62.02"] if regions is None else regions
        who = subject or "-".join([*roles, *regions, agency or ""])
        person = Person(
            subject=who, name=who, roles=[Role(r) for r in roles], regions=[*regions], agency=agency
        )
        return token_of(self.signer, person)

    def auth(self, *roles: str, **who: Any) -> dict[str, str]:
        """Return request headers: the token and a fresh Idempotency-Key."""
        token = self.token(*roles, **who)
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}

    async def issue(self, code: str) -> agency.Door:
        """Give an agency its account."""
        return await agency.issue(self.authority, self.nats_url, code)

    async def connect_agency(self, code: str) -> "AgencyClient":
        """Return an agency's own NATS client; its account is issued when it has none."""
        door = await self.issue(code)
        client = await nats.connect(
            self.nats_url,
            user_credentials=str(door.creds),
            inbox_prefix=door.inbox_prefix.encode(),
        )
        return AgencyClient(code, client)

    def lives(self) -> bool:
        """Say whether its supervisor runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def supervisor_pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def interrupt(self) -> int:
        """Do what Ctrl-C does, and return the exit code."""
        assert self._process is not None
        return await asyncio.to_thread(
            process.stop, self._process, with_signal=signal.SIGINT, within_s=STOP_S
        )

    async def reap(self) -> None:
        """Take note that the supervisor was killed, so that ``start`` may run it again."""
        assert self._process is not None
        await self.client.aclose()
        await asyncio.to_thread(self._process.wait, STOP_S)
        (self.state / "running.json").unlink(missing_ok=True)

    def pid(self, part: str) -> int:
        """Return the pid of a part: ``registry``, ``registry-worker``, ``gateway`` ..."""
        parts = json.loads((self.state / "parts.json").read_text())
        return int(parts[part][0])

    def kill(self, part: str) -> None:
        """Kill a part as a fault would; the supervisor starts it again."""
        os.kill(self.pid(part), signal.SIGKILL)

    async def hold(self, *parts: str) -> None:
        """Stop parts and keep them stopped, until ``resume``."""
        held = self.state / "held"
        held.mkdir(exist_ok=True)
        pids = [self.pid(part) for part in parts]
        for part in parts:
            (held / part).touch()
        # One that answers no more may still work, and hold its connections.
        await wait_until(lambda: not any(map(process.command_of, pids)), within_s=30)

    async def resume(self, *parts: str) -> None:
        """Let held parts run again, and wait until they answer."""
        for part in parts:
            (self.state / "held" / part).unlink()
        urls = self.health()
        await wait_until(lambda: all(answers(urls[part]) for part in parts), within_s=60)

    def health(self) -> dict[str, str]:
        """Return the address of each part that answers 200 while it lives."""
        urls: dict[str, str] = json.loads((self.state / "running.json").read_text())["health"]
        return urls

    def _still_lives(self) -> bool:
        assert self.lives(), self._story()
        return True

    def _story(self) -> str:
        logs = [self.log, *sorted((self.state / "log").glob("*.log"))]
        return "\n".join(f"--- {log.name}\n{log.read_text()[-1500:]}" for log in logs)


class AgencyClient:
    """An agency's own program: it tells events, and hears what was rejected."""

    def __init__(self, code: str, client: Any) -> None:
        self.code = code
        self.client = client
        self.source = f"skpd/{permissions.agency_token(code)}"

    async def tell(self, subject: str, body: bytes, message_id: str) -> Any:
        """Publish ``events.<subject>`` and return JetStream's acknowledgement."""
        headers = {"Nats-Msg-Id": message_id}
        return await self.client.jetstream().publish(f"events.{subject}", body, headers=headers)

    async def hear(self) -> Any:
        """Return a subscription on this agency's notices."""
        return await self.client.subscribe(f"notify.{permissions.agency_token(self.code)}.>")

    async def close(self) -> None:
        await self.client.close()


def _names_a_server(variable: str) -> bool:
    """Say whether a variable of ours would lead the system to a server that is not its own."""
    return variable.endswith(("_DATABASE_URL", "_PORT")) or variable.startswith(
        ("NATS_", "BETANG_")
    )
