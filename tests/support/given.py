"""A Betang that runs already, somewhere, for the end-to-end tests: nothing is started or stopped.

The file is the one that ``python -m deploy.local up`` writes, ``running.json``: ``gateway_url``,
``nats_url``, ``issuer_url``, ``secrets`` (a folder with the issuer's key, ``issuer.pem``) and
``authority`` (the operator's keys of NATS). Beside it lies the folder ``log``, a file per part.
"""

from pathlib import Path

from tests.support.system import RunningSystem


class GivenSystem(RunningSystem):
    """The doors of a system that others look after. Its parts cannot be killed or held."""

    def __init__(self, running: Path) -> None:
        super().__init__()
        self._running = running

    async def start(self) -> None:
        """Connect, and wait until it knows its regions."""
        await self.join(self._running)

    def logs(self) -> list[Path]:
        """Return what the parts logged."""
        return sorted((self._running.parent / "log").glob("*.log"))

    async def stop(self) -> None:
        """Leave it as it is."""
        await super().stop()
        if hasattr(self, "client"):
            await self.client.aclose()
