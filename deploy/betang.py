"""The command ``betang`` with all its commands: those of services and of agencies."""

import sys
from collections.abc import Sequence

from deploy.nats import commands as agencies
from services.shared import cli

MORE = (agencies.add,)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    return cli.main(arguments, MORE)


if __name__ == "__main__":
    sys.exit(main())
