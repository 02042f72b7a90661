"""Files at rest: encrypted in chunks, found by the hash of their content.

``BlobStore`` is what services use; ``BlobBackend`` is where objects lie: a folder here, an
S3-compatible store in ``blob_places``. Uploads over HTTP are in ``uploads``.

An object is ``BTB1``, one byte key id, 16 bytes salt, then chunks of 64 KiB, each AES-256-GCM.
The object's key is derived from the blob key and the salt, so a nonce is the chunk's number and
a flag for the last one: chunks cannot be swapped, dropped or cut off. The context (whose content
it is) is authenticated with each chunk.
"""

import asyncio
import hashlib
import hmac
import os
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.shared.sealing import Keyring, SealError

MAGIC = b"BTB1"
SALT_BYTES = 16
HEADER_BYTES = len(MAGIC) + 1 + SALT_BYTES
CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
READ_BYTES = 1024 * 1024
OBJECT_NAME = re.compile(r"^[0-9a-z]([0-9a-z/._-]*[0-9a-z])?$")


class BlobMissing(Exception):
    """The object is not there."""


def checked_name(name: str) -> str:
    """Return the name, which leads nowhere else. Raise ``ValueError`` for any other text."""
    if not OBJECT_NAME.match(name) or ".." in name:
        raise ValueError("not an object name")
    return name


class BlobBackend(Protocol):
    """Where objects lie, by names such as ``blobs/ab/abcdef``. An object appears whole or not."""

    async def write(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Store the object durably; an existing one is replaced."""
        ...

    def read(self, name: str) -> AsyncIterator[bytes]:
        """Give the object's bytes. Raise ``BlobMissing``."""
        ...

    async def move(self, source: str, target: str) -> None:
        """Rename; an existing target is replaced. Raise ``BlobMissing``."""
        ...

    async def delete(self, name: str) -> None:
        """Remove the object if it is there."""
        ...

    async def exists(self, name: str) -> bool:
        """Say whether the object is there."""
        ...

    async def names(self, folder: str) -> list[str]:
        """Return the names of the objects below ``folder``."""
        ...


class FolderBackend:
    """Objects as files below one folder; readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, name: str) -> Path:
        return self.folder / checked_name(name)

    async def write(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        target = self._path(name)
        partial = target.with_name(f".{uuid.uuid4().hex}.part")
        file = await asyncio.to_thread(_create, partial)
        try:
            async for chunk in chunks:
                await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(_finish, file, partial, target)
        finally:
            file.close()
            partial.unlink(missing_ok=True)

    async def read(self, name: str) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(self._path(name).open, "rb")
        except FileNotFoundError as error:
            raise BlobMissing(name) from error
        with file:
            while chunk := await asyncio.to_thread(file.read, READ_BYTES):
                yield chunk

    async def move(self, source: str, target: str) -> None:
        try:
            await asyncio.to_thread(_rename, self._path(source), self._path(target))
        except FileNotFoundError as error:
            raise BlobMissing(source) from error

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    async def exists(self, name: str) -> bool:
        return await asyncio.to_thread(self._path(name).is_file)

    async def names(self, folder: str) -> list[str]:
        found = await asyncio.to_thread(lambda: sorted(self._path(folder).glob("*")))
        return [str(path.relative_to(self.folder)) for path in found]


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _finish(file: BinaryIO, partial: Path, target: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    partial.rename(target)
    _sync_folder(target.parent)


def _rename(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source.rename(target)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class BlobStore:
    """Encrypted objects in a backend."""

    def __init__(self, backend: BlobBackend, keyring: Keyring) -> None:
        self.backend = backend
        self._keys = keyring["blob"]

    @property
    def key_version(self) -> int:
        """The key by which new objects are encrypted."""
        return self._keys.active

    def name_of(self, sha256: bytes) -> str:
        """Return where content of this hash lies: keyed, as a hash alone tells who has a file."""
        name = hmac.digest(self._keys.active_key, b"name\0" + sha256, "sha256").hex()
        return f"blobs/{name[:2]}/{name}"

    async def write(self, name: str, chunks: AsyncIterator[bytes], context: bytes) -> None:
        """Encrypt ``chunks`` into the object ``name``; it opens with the same ``context`` only."""
        await self.backend.write(name, self._sealed(chunks, context))

    async def read(self, name: str, context: bytes) -> AsyncIterator[bytes]:
        """Decrypt the object. Raise ``BlobMissing``, or ``SealError`` when it was changed."""
        buffered = bytearray()
        cipher: AESGCM | None = None
        number = 0
        async for piece in self.backend.read(name):
            buffered += piece
            if cipher is None and len(buffered) >= HEADER_BYTES:
                cipher = self._cipher_of(bytes(buffered[:HEADER_BYTES]))
                del buffered[:HEADER_BYTES]
            # One whole chunk stays back: only at the end is it known whether it is the last.
            while cipher is not None and len(buffered) > CHUNK_BYTES + TAG_BYTES:
                sealed = bytes(buffered[: CHUNK_BYTES + TAG_BYTES])
                del buffered[: CHUNK_BYTES + TAG_BYTES]
                yield _open(cipher, number, sealed, context, last=False)
                number += 1
        if cipher is None:
            raise SealError("not an object of this store")
        yield _open(cipher, number, bytes(buffered), context, last=True)

    async def _sealed(self, chunks: AsyncIterator[bytes], context: bytes) -> AsyncIterator[bytes]:
        salt = os.urandom(SALT_BYTES)
        cipher = _cipher(self._keys.active_key, salt)
        yield MAGIC + bytes((self._keys.active,)) + salt
        buffered = bytearray()
        number = 0
        async for chunk in chunks:
            buffered += chunk
            while len(buffered) > CHUNK_BYTES:
                plain = bytes(buffered[:CHUNK_BYTES])
                del buffered[:CHUNK_BYTES]
                yield cipher.encrypt(_nonce(number, last=False), plain, context)
                number += 1
        yield cipher.encrypt(_nonce(number, last=True), bytes(buffered), context)

    def _cipher_of(self, header: bytes) -> AESGCM:
        key = self._keys.keys.get(header[len(MAGIC)])
        if not header.startswith(MAGIC) or key is None:
            raise SealError("not an object of this store, or its key is not in the ring")
        return _cipher(key, header[len(MAGIC) + 1 :])


async def hash_of(chunks: AsyncIterator[bytes]) -> tuple[bytes, int]:
    """Return (SHA-256, number of bytes)."""
    digest, size = hashlib.sha256(), 0
    async for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return digest.digest(), size


async def once(content: bytes) -> AsyncIterator[bytes]:
    """Give bytes at hand as a stream."""
    yield content


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"betang blob").derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


def _open(cipher: AESGCM, number: int, sealed: bytes, context: bytes, *, last: bool) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, last=last), sealed, context)
    except (InvalidTag, ValueError) as error:
        raise SealError("the object was changed or cut off") from error
