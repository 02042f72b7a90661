"""Where a service's files lie: in a folder, or in an S3-compatible store, by its settings."""

from collections.abc import AsyncIterator
from datetime import timedelta

import obstore
from obstore.store import S3Store

from services.shared.blobs import READ_BYTES, BlobBackend, BlobMissing, FolderBackend, checked_name
from services.shared.settings import S3Place, ServiceSettings

TIMEOUT = timedelta(seconds=30)
RETRIES_MAX = 3


class S3Backend:
    """Objects in one bucket. The store shows an object whole or not at all (multipart upload)."""

    def __init__(self, place: S3Place) -> None:
        self._bucket = S3Store(
            place.bucket,
            endpoint=place.endpoint,
            region=place.region,
            access_key_id=place.access_key_id,
            secret_access_key=place.secret_access_key.get_secret_value(),
            virtual_hosted_style_request=False,
            client_options={"timeout": TIMEOUT, "allow_http": place.endpoint.startswith("http:")},
            retry_config={"max_retries": RETRIES_MAX, "retry_timeout": TIMEOUT},
        )

    async def write(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        await obstore.put_async(self._bucket, checked_name(name), chunks)

    async def read(self, name: str) -> AsyncIterator[bytes]:
        try:
            found = await obstore.get_async(self._bucket, checked_name(name))
        except FileNotFoundError as error:
            raise BlobMissing(name) from error
        async for chunk in found.stream(min_chunk_size=READ_BYTES):
            yield bytes(chunk)

    async def move(self, source: str, target: str) -> None:
        try:
            await obstore.rename_async(self._bucket, checked_name(source), checked_name(target))
        except FileNotFoundError as error:
            raise BlobMissing(source) from error

    async def delete(self, name: str) -> None:
        await obstore.delete_async(self._bucket, checked_name(name))

    async def exists(self, name: str) -> bool:
        try:
            await obstore.head_async(self._bucket, checked_name(name))
        except FileNotFoundError:
            return False
        return True

    async def names(self, folder: str) -> list[str]:
        found = await obstore.list_with_delimiter_async(self._bucket, checked_name(folder))
        return sorted(entry["path"] for entry in found["objects"])


def backend_of(settings: ServiceSettings) -> BlobBackend:
    """Return the place that the settings name. Raise ``ValueError`` when they name none."""
    if settings.blob_s3 is not None:
        return S3Backend(settings.blob_s3)
    if settings.blob_dir is not None:
        return FolderBackend(settings.blob_dir)
    raise ValueError("a service that keeps files says so in its settings: keeps_files")
