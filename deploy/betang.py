"""The command ``betang`` with all its commands: those of services, of NATS and of PostgreSQL."""

import sys
from collections.abc import Sequence

from deploy.backup import commands as backups
from deploy.nats import commands as agencies
from deploy.postgres import break_glass
from services.shared import cli

MORE = (agencies.add, backups.add, break_glass.add)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    return cli.main(arguments, MORE)


if __name__ == "__main__":
    sys.exit(main())
