"""``python -m services.shared.cli``: betang in the image of a service."""

import sys

from services.shared.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
