"""The whole of Betang on one machine: PostgreSQL, NATS, four services with workers, the gateway.

``start`` brings everything up, in order; ``tend`` keeps it up; ``stop`` ends it. ``make up`` and
the end-to-end tests both run this.
"""

import asyncio
import fcntl
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from deploy.local import nats, postgres, process
from deploy.local.environment import Surroundings, operator_environment, service_environment
from deploy.local.issuer import PEOPLE, Person, token_of
from deploy.local.secret_files import SecretFiles
from deploy.local.supervisor import Part, Supervisor
from deploy.nats import agency
from deploy.nats.authority import Authority
from deploy.nats.claims import write_secret
from deploy.postgres import provision
from deploy.postgres.provision import SERVICES, Urls
from services.shared import migrations
from services.shared.signing import TokenSigner

ROOT = Path(__file__).resolve().parents[2]
GATEWAY_PORT = 8080
LOCAL_CALLS_PER_MINUTE = 60_000
"""The demonstration is loaded by few callers as fast as they can; nobody else is here."""

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "PYTHONPATH")
"""Of our own environment the parts get this and no more: no variable reaches them by accident."""


class AlreadyRunning(process.StartError):
    """Another supervisor holds this state folder."""


@dataclass(slots=True)
class Ports:
    """Ports by part: set by ``<PART>_PORT``, else those of the last run, else free ones."""

    file: Path
    taken: dict[str, int] = field(default_factory=dict)

    def of(self, part: str, preferred: int | None = None) -> int:
        """Choose the port of ``part`` once, and keep it for the next run."""
        if part in self.taken:
            return self.taken[part]
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        if given := os.environ.get(f"{part.upper().replace('-', '_')}_PORT"):
            self.taken[part] = int(given)
        else:
            wishes = [wish for wish in (kept.get(part), preferred) if wish]
            free = (wish for wish in wishes if process.port_is_free(wish))
            self.taken[part] = next(free, None) or process.free_port()
        write_secret(self.file, json.dumps({**kept, **self.taken}))
        return self.taken[part]


@dataclass(slots=True)
class System:
    """One running Betang with its data in ``state``. ``say`` gets what people should know."""

    state: Path
    say: Callable[[str], None]
    settings: tuple[str, ...] = ()
    supervisor: Supervisor = field(init=False)
    secrets: SecretFiles = field(init=False)
    ports: Ports = field(init=False)
    databases: dict[str, Urls] = field(default_factory=dict)
    _lock: IO[str] | None = None
    _postgres: postgres.Postgres | None = None
    _nats: nats.Nats | None = None
    _nats_url: str = ""
    _monitor_url: str = ""
    _authority: Authority | None = None

    def __post_init__(self) -> None:
        self.state = self.state.resolve()

    @property
    def logs(self) -> Path:
        """The folder of all parts' logs."""
        return self.state / "log"

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.of('gateway', GATEWAY_PORT)}"

    @property
    def issuer_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.of('issuer')}"

    @property
    def nats_url(self) -> str:
        return self._nats_url

    @property
    def authority(self) -> Authority:
        """The operator of NATS: its creds files, its accounts."""
        if self._authority is None:
            raise RuntimeError("the system was not started")
        return self._authority

    def start(self) -> None:
        """Bring everything up. Raise ``StartError`` with the reason, all stopped again."""
        self._take_state()
        try:
            self._start_servers()
            self._migrate()
            self._start_parts()
        except BaseException:
            self.stop()
            raise

    def tend(self) -> None:
        """Look once after every part and both servers; restart what died and say so."""
        if self._postgres and self._postgres.process.poll() is not None:
            self.say("PostgreSQL ended; it is started again")
            self._postgres = self._run_postgres(self._postgres.port)
        if self._nats and self._nats.process.poll() is not None:
            self.say("NATS ended; it is started again")
            self._nats = self._run_nats(self._nats.port, self._nats.monitor_port)
        self.supervisor.tend()

    def stop(self) -> None:
        """Stop the parts, then the servers; the data stay."""
        self.supervisor.stop()
        if self._nats:
            self._nats.stop()
        if self._postgres:
            self._postgres.stop()
        self._nats = self._postgres = None
        if self._lock:
            (self.state / "supervisor.pid").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def token(self, who: str | Person) -> str:
        """Return a day's access token of a development person (see ``issuer.PEOPLE``)."""
        person = PEOPLE[who] if isinstance(who, str) else who
        return token_of(self.signer(), person)

    def signer(self) -> TokenSigner:
        """Return what signs as the development issuer does."""
        pem = self.secrets.issuer_key().read_bytes()
        return TokenSigner.from_pem(self.issuer_url, pem)

    def issue_agency(self, code: str) -> agency.Door:
        """Give an agency (SKPD) its NATS account, or return the one that it has."""
        return asyncio.run(agency.issue(self.authority, self.nats_url, code))

    def _take_state(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        lock = (self.state / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunning(
                f"Betang already runs from {self.state}; see make status"
            ) from error
        self._lock = lock
        (self.state / "supervisor.pid").write_text(str(os.getpid()))
        self.supervisor = Supervisor(
            self.logs, self.state / "parts.json", self.state / "held", self.say
        )
        self.supervisor.end_leftovers()
        self.secrets = SecretFiles(self.state / "secrets")
        self.secrets.ensure()
        self.ports = Ports(self.state / "ports.json")

    def _start_servers(self) -> None:
        self.databases = given_databases(os.environ)
        if missing := [service for service in SERVICES if service not in self.databases]:
            self.say("PostgreSQL starts")
            port = self.ports.of("postgres")
            self._postgres = self._run_postgres(port)
            passwords = {service: self.secrets.passwords()[service] for service in missing}
            admin = self._postgres.url()
            asyncio.run(provision.provision(admin, passwords))
            for service in missing:
                self.databases[service] = provision.urls(admin, service, passwords[service])
        if url := os.environ.get("NATS_URL"):
            folder = os.environ.get("NATS_AUTHORITY")
            monitor = os.environ.get("NATS_MONITOR_URL")
            if not folder or not monitor:
                raise process.StartError(
                    "NATS_URL needs NATS_MONITOR_URL and NATS_AUTHORITY, the folder that"
                    " 'python -m deploy.nats init' made for that server"
                )
            self._nats_url, self._monitor_url = url, monitor
            self._authority = Authority(Path(folder))
        else:
            self.say("NATS starts")
            self._nats = self._run_nats(self.ports.of("nats"), self.ports.of("nats-monitor"))
            self._nats_url, self._monitor_url = self._nats.url, self._nats.monitor_url
            self._authority = self._nats.authority
        asyncio.run(agency.restore(self.authority, self.nats_url))

    def _run_postgres(self, port: int) -> postgres.Postgres:
        log = self.logs / "postgres.log"
        return postgres.start(self.state / "postgres", port=port, settings=self.settings, log=log)

    def _run_nats(self, port: int, monitor_port: int) -> nats.Nats:
        log = self.logs / "nats.log"
        return nats.start(self.state / "nats", port=port, monitor_port=monitor_port, log=log)

    def _migrate(self) -> None:
        for service in SERVICES:
            self.say(f"{service}: migrations")
            urls = self.databases[service]
            schema = os.environ.get(f"{service.upper()}_DATABASE_SCHEMA") or service
            app_role = urlsplit(urls.app).username or ""
            migrations.upgrade(service, migrations.Target(urls.owner, schema, app_role))

    def _start_parts(self) -> None:
        self.say("services, workers and gateway start")
        around = Surroundings(
            nats_url=self.nats_url,
            nats_monitor_url=self._monitor_url,
            creds=self.authority.folder / "creds",
            issuers=({"issuer": self.issuer_url},),
            secrets=self.secrets,
            blobs=self.state / "blobs",
        )
        issuer_env = {"ISSUER_URL": self.issuer_url}
        issuer_env["ISSUER_KEY_FILE"] = str(self.secrets.issuer_key())
        self._start_app("issuer", "deploy.local.issuer:create_app", issuer_env)
        environments = {service: self._service_environment(service, around) for service in SERVICES}
        lines = operator_environment(
            environments,
            self.databases,
            nats_url=self.nats_url,
            authority=self.authority.folder,
            admin_url=self._postgres.url() if self._postgres else None,
        )
        write_secret(self.state / "operator.env", lines)
        for service, env in environments.items():
            self._start_app(service, f"services.{service}.main:create_app", env)
            self._start_worker(service, env)
        self._start_app("gateway", "gateway.main:create_app", self._gateway_environment())
        self.supervisor.wait_ready()

    def _service_environment(self, service: str, around: Surroundings) -> dict[str, str]:
        (around.blobs / service).mkdir(parents=True, exist_ok=True)
        env = service_environment(service, self.databases[service], around)
        if schema := os.environ.get(f"{service.upper()}_DATABASE_SCHEMA"):
            env[f"{service.upper()}_DATABASE_SCHEMA"] = schema
        return env

    def _gateway_environment(self) -> dict[str, str]:
        upstreams = {
            f"GATEWAY_{service.upper()}_URL": f"http://127.0.0.1:{self.ports.of(service)}"
            for service in SERVICES
        }
        given = {name: value for name, value in os.environ.items() if name.startswith("GATEWAY_")}
        return {
            "GATEWAY_ENVIRONMENT": "development",
            "GATEWAY_CALLS_PER_MINUTE": str(LOCAL_CALLS_PER_MINUTE),
            "GATEWAY_ANONYMOUS_CALLS_PER_MINUTE": str(LOCAL_CALLS_PER_MINUTE),
            **given,
            **upstreams,
            "GATEWAY_ISSUERS": json.dumps([{"issuer": self.issuer_url}]),
        }

    def _start_app(self, name: str, factory: str, env: Mapping[str, str]) -> None:
        preferred = GATEWAY_PORT if name == "gateway" else None
        port = self.ports.of(name, preferred)
        command = [sys.executable, "-m", "uvicorn", "--factory", factory, "--host", "127.0.0.1"]
        options = ["--port", str(port), "--no-access-log", "--timeout-graceful-shutdown", "5"]
        part = Part(
            name=name,
            command=[*command, *options],
            env={**_passed_on(), **env},
            cwd=ROOT,
            mark=factory,
            ready_url=f"http://127.0.0.1:{port}/health/live",
        )
        self.supervisor.start(part)

    def _start_worker(self, service: str, env: Mapping[str, str]) -> None:
        module = f"services.{service}.main"
        port = self.ports.of(f"{service}-worker")
        part = Part(
            name=f"{service}-worker",
            command=[sys.executable, "-m", module],
            env={**_passed_on(), **env, f"{service.upper()}_METRICS_PORT": str(port)},
            cwd=ROOT,
            mark=f"-m {module}",
            ready_url=f"http://127.0.0.1:{port}/health/live",
        )
        self.supervisor.start(part)


def given_databases(environment: Mapping[str, str]) -> dict[str, Urls]:
    """Return the databases that the environment names; both roles' URLs or neither."""
    given = {}
    for service in SERVICES:
        app = environment.get(f"{service.upper()}_DATABASE_URL")
        owner = environment.get(f"{service.upper()}_OWNER_DATABASE_URL")
        if bool(app) != bool(owner):
            raise process.StartError(
                f"{service}: set both {service.upper()}_DATABASE_URL (app role) and"
                f" {service.upper()}_OWNER_DATABASE_URL (migrations), or neither"
            )
        if app and owner:
            given[service] = Urls(owner=owner, app=app)
    return given


def _passed_on() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}
