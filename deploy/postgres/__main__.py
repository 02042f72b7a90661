"""``python -m deploy.postgres``: create or update roles and databases on a given server.

``ADMIN_DATABASE_URL_FILE`` names the file of a superuser's URL, ``SECRETS`` the folder of
``deploy.prepare`` that holds the roles' passwords.
"""

import asyncio
import os
import sys
from pathlib import Path

from deploy.local.secret_files import SecretFiles
from deploy.postgres.provision import provision


def main() -> int:
    """Read the environment and provision."""
    admin_url = Path(os.environ["ADMIN_DATABASE_URL_FILE"]).read_text().strip()
    passwords = SecretFiles(Path(os.environ["SECRETS"])).passwords()
    asyncio.run(provision(admin_url, passwords))
    print(f"roles and databases: {', '.join(passwords)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
