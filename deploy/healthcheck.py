"""Whether the process of this container is ready: exit code 0 or 1, for the image's HEALTHCHECK.

API, worker and gateway answer on the same port, so one check serves all. Standard library only.
"""

import sys
import urllib.request

READY = "http://127.0.0.1:8000/health/ready"
TIMEOUT_S = 8


def main() -> int:
    """Ask once. A refusal, a silence and a 503 are all the same to the container's keeper."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(READY, timeout=TIMEOUT_S):
            return 0
    except OSError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
