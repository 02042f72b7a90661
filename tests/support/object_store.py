"""A real S3-compatible server for tests: rclone, over a folder whose files are the objects."""

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.local import process
from services.shared.settings import S3Place
from tests.support.processes import running

BUCKET = "betang"
ACCESS_KEY = "TESTACCESSKEY"
SECRET_KEY = "test-secret-key"
START_S = 60


@contextlib.contextmanager
def object_store(folder: Path) -> Iterator[S3Place]:
    """Serve ``folder``; the bucket's objects are the files below ``folder/betang``."""
    (folder / BUCKET).mkdir(parents=True)
    port = process.free_port()
    command = [str(Path(sys.executable).with_name("rclone")), "serve", "s3", str(folder)]
    options = ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"]
    # What is written goes straight to the folder. Listings know it without being told to forget:
    # a cache that lives for 0 s keeps rclone forgetting it in an endless loop.
    options += ["--config", os.devnull, "--vfs-cache-mode", "off"]
    log = folder / "rclone.log"
    with running([*command, *options], env=dict(os.environ), cwd=folder, log=log) as started:
        process.wait_ready(started, lambda: _accepts(port), what="rclone", within_s=START_S)
        yield S3Place.model_validate(
            {
                "endpoint": f"http://127.0.0.1:{port}",
                "bucket": BUCKET,
                "access_key_id": ACCESS_KEY,
                "secret_access_key": SECRET_KEY,
            }
        )


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def as_variable(place: S3Place) -> str:
    """Return the place as the text of ``<SERVICE>_BLOB_S3``."""
    secret = place.secret_access_key.get_secret_value()
    return json.dumps({**place.model_dump(), "secret_access_key": secret})
