"""A government system follows what programs decides, without NATS.

Run it with GATEWAY and TOKEN set; it reads the feed once and prints where to go on. Keep ``next``
with your own data, in the same transaction: then nothing is missed and nothing comes twice.
"""

import json
import os
import sys
import urllib.request


def read(after: int) -> dict:
    """Return one page of the feed: {"data": [CloudEvents, oldest first], "next": position}."""
    address = f"{os.environ['GATEWAY']}/v1/changes/programs?after={after}&limit=200"
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        return json.load(answer)


position = int(sys.argv[1]) if len(sys.argv) > 1 else 0
while (page := read(position))["data"]:
    for event in page["data"]:
        print(event["type"], event["subject"], event["version"])
    position = page["next"]
print(f"next {position}")
