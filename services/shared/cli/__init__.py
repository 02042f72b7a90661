"""The command ``betang``: what an operator does to the services. See docs/runbooks/README.md.

A service's commands need its environment variables (``<SERVICE>_DATABASE_URL`` ...; migrations
also ``<SERVICE>_OWNER_DATABASE_URL``), each also as ``..._FILE``. ``deploy.betang`` adds what
needs more than services: agencies.
"""

from services.shared.cli.program import main, parser
from services.shared.cli.shape import DONE, FAILED, USAGE, WAITING

__all__ = ["DONE", "FAILED", "USAGE", "WAITING", "main", "parser"]
