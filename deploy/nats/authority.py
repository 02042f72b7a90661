"""The operator of the NATS server: its keys, the accounts it signs, the creds files it hands out.

Everything lives in one folder of 0600 files; whoever has it may issue accounts. Accounts reach a
running server by ``$SYS.REQ.CLAIMS.UPDATE``: no reload, no restart.

- SYS: the server's own account; only the operator's tools use it.
- CORE: the services, one user each, and the streams.
- one account per agency (SKPD): it can only say ``events.>``, which CORE sees as ``skpd.<code>.>``,
  and hear ``notify.<code>.>``. JetStream's own API is out of its reach.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats
import nkeys

from deploy.nats import claims, permissions
from deploy.nats.claims import Account, AccountLimits, Key
from services.shared import clock

REQUEST_TIMEOUT_S = 5.0
AGENCY_CONNECTIONS_MAX = 5
AGENCY_PAYLOAD_BYTES_MAX = 256 * 1024
"""An agency's event is one program or one delivery; 256 KiB is a hundred times that."""

CORE_ADMIN = "core-admin"
SYSTEM_ADMIN = "system"


class AuthorityError(Exception):
    """The server refused a claim; the message is the server's."""


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency's account as it is kept: keys, and users whose creds were revoked."""

    code: str
    account: Key
    user: Key
    revoked: dict[str, int]
    active: bool

    @property
    def token(self) -> str:
        """The agency's code in subjects."""
        return permissions.agency_token(self.code)


class Authority:
    """Keys and claims in ``folder``; made when they are missing, kept when they are there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        keys = folder / "keys"
        self.operator = Key.load_or_new(keys / "operator.nk", nkeys.PREFIX_BYTE_OPERATOR)
        self.system = Key.load_or_new(keys / "system.nk", nkeys.PREFIX_BYTE_ACCOUNT)
        self.core = Key.load_or_new(keys / "core.nk", nkeys.PREFIX_BYTE_ACCOUNT)

    def creds(self, user: str) -> Path:
        """Return the creds file of a service, of ``core-admin`` or of ``system``."""
        return self.folder / "creds" / f"{user}.creds"

    def write_creds(self) -> None:
        """Write the creds of all services and of the operator's tools."""
        for role in self._roles():
            user = self._user(role.name)
            token = claims.role_user_token(self.core.public, role.key, user, role.name)
            self._write_creds(role.name, token, user)
        for name, account in ((CORE_ADMIN, self.core), (SYSTEM_ADMIN, self.system)):
            user = self._user(name)
            self._write_creds(name, claims.user_token(account, user, name, None), user)

    def operator_token(self) -> str:
        """Return the JWT that the server's configuration trusts."""
        return claims.operator_token(self.operator, system_account=self.system.public)

    def preloaded(self) -> dict[str, str]:
        """Return account key to JWT of what the server must know before anybody can connect."""
        system = Account(name="SYS", limits=AccountLimits())
        return {
            self.system.public: claims.account_token(self.operator, self.system, system),
            self.core.public: self.core_token(),
        }

    def core_token(self) -> str:
        """Return the JWT of CORE: unlimited, exporting to each active agency its own subjects."""
        exports: list[dict[str, Any]] = []
        for agency in self.agencies():
            if agency.active:
                exports += [
                    _export(f"tell-{agency.token}", f"skpd.{agency.token}.>", "service"),
                    _export(f"notify-{agency.token}", f"notify.{agency.token}.>", "stream"),
                ]
        limits = AccountLimits(disk=claims.UNLIMITED)
        account = Account("CORE", limits, exports=tuple(exports), roles=self._roles())
        return claims.account_token(self.operator, self.core, account)

    def agencies(self) -> list[Agency]:
        """Return all agencies that ever had an account, by code."""
        return [self._read(file) for file in sorted((self.folder / "agencies").glob("*.json"))]

    def agency(self, code: str) -> Agency | None:
        """Return the agency's account, or None when it never had one."""
        file = self._agency_file(code)
        return self._read(file) if file.exists() else None

    def keep(self, agency: Agency) -> None:
        """Write the agency's keys, and its creds file when it is active."""
        file = self._agency_file(agency.code)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = {
            "code": agency.code,
            "account": agency.account.seed,
            "user": agency.user.seed,
            "revoked": agency.revoked,
            "active": agency.active,
        }
        claims.write_secret(file, json.dumps(kept))
        name = f"skpd-{agency.token}"
        if not agency.active:
            self.creds(name).unlink(missing_ok=True)
            return
        rights = permissions.agency_permissions(agency.code)
        token = claims.user_token(
            agency.account, agency.user, name, rights, payload=AGENCY_PAYLOAD_BYTES_MAX
        )
        self._write_creds(name, token, agency.user)

    def agency_token(self, agency: Agency) -> str:
        """Return the agency's account JWT: imports only its own subjects, with CORE's leave."""
        imports = []
        if agency.active:
            told, heard = f"skpd.{agency.token}.>", f"notify.{agency.token}.>"
            imports = [
                self._import(agency, "tell", told, "service", local_subject="events.>"),
                self._import(agency, "hear", heard, "stream"),
            ]
        limits = AccountLimits(
            connections=AGENCY_CONNECTIONS_MAX if agency.active else 0,
            payload=AGENCY_PAYLOAD_BYTES_MAX,
            exports=0,
        )
        account = Account(
            name=f"SKPD {agency.code}",
            limits=limits,
            imports=tuple(imports),
            revocations=agency.revoked,
        )
        return claims.account_token(self.operator, agency.account, account)

    async def push(self, nats_url: str, *tokens: str) -> None:
        """Make account JWTs known to the running server. Raise ``AuthorityError`` if refused."""
        client = await nats.connect(
            nats_url, user_credentials=str(self.creds(SYSTEM_ADMIN)), allow_reconnect=False
        )
        try:
            for token in tokens:
                answer = await client.request(
                    "$SYS.REQ.CLAIMS.UPDATE", token.encode(), timeout=REQUEST_TIMEOUT_S
                )
                result = json.loads(answer.data)
                if "error" in result:
                    raise AuthorityError(str(result["error"]))
        finally:
            await client.close()

    def _import(
        self, agency: Agency, name: str, subject: str, kind: str, **more: str
    ) -> dict[str, Any]:
        leave = claims.activation_token(self.core, agency.account.public, subject, kind)
        return {
            "name": name,
            "subject": subject,
            "account": self.core.public,
            "token": leave,
            "type": kind,
            **more,
        }

    def _roles(self) -> tuple[claims.Role, ...]:
        return tuple(
            claims.Role(
                name=service,
                key=Key.load_or_new(
                    self.folder / "keys" / f"role-{service}.nk", nkeys.PREFIX_BYTE_ACCOUNT
                ),
                permissions=permissions.service_permissions(service),
            )
            for service in permissions.SERVICES
        )

    def _user(self, name: str) -> Key:
        return Key.load_or_new(self.folder / "keys" / f"user-{name}.nk", nkeys.PREFIX_BYTE_USER)

    def _write_creds(self, name: str, token: str, user: Key) -> None:
        self.creds(name).parent.mkdir(exist_ok=True)
        claims.write_secret(self.creds(name), claims.creds_text(token, user))

    def _agency_file(self, code: str) -> Path:
        return self.folder / "agencies" / f"{permissions.agency_token(code)}.json"

    @staticmethod
    def _read(file: Path) -> Agency:
        kept = json.loads(file.read_text())
        return Agency(
            code=kept["code"],
            account=Key.of(kept["account"]),
            user=Key.of(kept["user"]),
            revoked=kept["revoked"],
            active=kept["active"],
        )


def new_agency(code: str) -> Agency:
    """Return fresh keys for an agency's account and its user."""
    return Agency(
        code=code.upper(),
        account=Key.new(nkeys.PREFIX_BYTE_ACCOUNT),
        user=Key.new(nkeys.PREFIX_BYTE_USER),
        revoked={},
        active=True,
    )


def revoked_now(agency: Agency) -> dict[str, int]:
    """Return the agency's revocations with its present user added."""
    return {**agency.revoked, agency.user.public: int(clock.now().timestamp())}


def _export(name: str, subject: str, kind: str) -> dict[str, Any]:
    exported: dict[str, Any] = {
        "name": name,
        "subject": subject,
        "type": kind,
        # Private: who imports it needs CORE's signed leave, so no agency can take another's.
        "token_req": True,
    }
    if kind == "service":
        exported["response_type"] = "Singleton"
    return exported
