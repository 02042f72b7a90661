"""Schemathesis reads the merged document and tries the running system, all its checks on.

``make schemathesis`` runs it longer: ``EXAMPLES`` per operation, and a random ``SEED``.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from services.shared.roles import Role
from tests.e2e.schemathesis.allowed import ALLOWED
from tests.support.documents import merged_document, operations

HERE = Path(__file__).parent / "schemathesis"
SEED = os.environ.get("SCHEMATHESIS_SEED", "20221117")
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "3"))
DEFAULTS = {
    "positive_data_acceptance": ["2xx", "3xx", "401", "403", "404", "409", "429"],
    "negative_data_rejection": [
        "400", "401", "403", "404", "405", "406", "409", "415", "422", "428", "429",
    ],
    "missing_required_header": ["400", "401", "403", "406", "415", "422"],
}  # fmt: skip
"""The tool's own, without 5xx."""
EVERYTHING_S = 3_000

HEAD = f"""
seed = {SEED}
workers = 2
continue-on-failure = true
request-timeout = 30
max-stream-events = 1
hooks = {json.dumps(str(HERE / "hooks.py"))}
generation.max-examples = {EXAMPLES}
generation.no-shrink = true
# PostgreSQL stores no NUL; that it is refused (422) is shown by tests/service/test_no_500.py.
generation.allow-x00 = false
warnings = false

[checks]
enabled = true

[auth.openapi.bearer]
bearer = "${{SCHEMATHESIS_TOKEN}}"
"""


def configuration() -> str:
    """Return the tool's configuration: a section for each operation that has something allowed."""
    sections = [HEAD]
    for _, operation in operations(merged_document()):
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        checks: dict[str, Any] = {}
        for allowed in ALLOWED:
            if allowed.covers(operation["operationId"], names):
                known = checks.setdefault(allowed.check, list(DEFAULTS.get(allowed.check, ())))
                known += [str(status) for status in allowed.statuses]
        if not checks:
            continue
        sections.append(f'[[operations]]\ninclude-operation-id = "{operation["operationId"]}"')
        for check, statuses in checks.items():
            told = f"expected-statuses = {json.dumps(statuses)}" if statuses else "enabled = false"
            sections.append(f"checks.{check}.{told}")
    return "\n".join(sections) + "\n"


def test_what_is_allowed_names_operations_that_exist_and_says_why():
    found = [operation for _, operation in operations(merged_document())]
    ids = {operation["operationId"] for operation in found}
    assert {name for allowed in ALLOWED for name in allowed.operations} <= ids
    assert all(allowed.reason for allowed in ALLOWED)


@pytest.mark.timeout(EVERYTHING_S)
async def test_schemathesis_finds_nothing(running_system, tmp_path):
    config = tmp_path / "schemathesis.toml"
    config.write_text(configuration())
    # A citizen may less than nobody would learn from; all others together may everything.
    roles = [role.value for role in Role if role is not Role.WARGA]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(config),
        "run", f"{running_system.gateway_url}/openapi.json",
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_TOKEN": running_system.token(*roles, agency="DINSOS")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    text = output.decode(errors="replace")
    assert process.returncode == 0, text[-60_000:]
    assert "No issues found" in text or "passed" in text, text[-2_000:]
