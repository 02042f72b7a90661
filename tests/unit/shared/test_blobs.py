import io
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from services.shared.blobs import (
    CHUNK_BYTES,
    HEADER_BYTES,
    TAG_BYTES,
    BlobMissing,
    BlobStore,
    FolderBackend,
    hash_of,
    once,
)
from services.shared.images import ImageDamaged, read_and_strip
from services.shared.sealing import Keyring, SealError, generate_keyring


@pytest.fixture
def keyring() -> Keyring:
    return generate_keyring()


@pytest.fixture
def store(tmp_path, keyring) -> BlobStore:
    return BlobStore(FolderBackend(tmp_path), keyring)


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(store: BlobStore, name: str, context: bytes = b"c") -> bytes:
    return b"".join([chunk async for chunk in store.read(name, context)])


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 2_500_000]
)
@pytest.mark.parametrize("piece", [1000, 100_000])
async def test_content_of_any_size_comes_back_and_is_not_readable_on_disk(
    store, tmp_path, size, piece
):
    content = os.urandom(size)
    await store.write("blobs/a", pieces(content, piece), b"c")
    assert await read(store, "blobs/a") == content
    on_disk = (tmp_path / "blobs/a").read_bytes()
    assert size < 32 or content[:32] not in on_disk
    assert (tmp_path / "blobs/a").stat().st_mode & 0o077 == 0


async def test_content_is_closed_to_another_key(store, tmp_path):
    await store.write("blobs/a", once(b"x"), b"c")
    with pytest.raises(SealError):
        await read(BlobStore(FolderBackend(tmp_path), generate_keyring()), "blobs/a")


async def test_content_opens_in_its_context_only(store):
    await store.write("blobs/a", once(b"x"), b"one")
    with pytest.raises(SealError):
        await read(store, "blobs/a", b"two")


FRAME = CHUNK_BYTES + TAG_BYTES


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-1],
        lambda raw: raw[: HEADER_BYTES + FRAME],
        lambda raw: raw[:HEADER_BYTES],
        lambda raw: raw[:3],
        lambda raw: b"",
        lambda raw: raw + b"x",
        lambda raw: raw[:100] + bytes([raw[100] ^ 1]) + raw[101:],
        lambda raw: b"XXXX" + raw[4:],
        lambda raw: raw[:4] + b"\x09" + raw[5:],
        lambda raw: raw[:HEADER_BYTES] + raw[HEADER_BYTES + FRAME :],
        lambda raw: (
            raw[:HEADER_BYTES]
            + raw[HEADER_BYTES + FRAME : HEADER_BYTES + 2 * FRAME]
            + raw[HEADER_BYTES : HEADER_BYTES + FRAME]
            + raw[HEADER_BYTES + 2 * FRAME :]
        ),
    ],
)
async def test_a_changed_cut_or_rearranged_object_is_noticed(store, tmp_path, damage):
    await store.write("blobs/a", once(os.urandom(3 * CHUNK_BYTES)), b"c")
    path = tmp_path / "blobs/a"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SealError):
        await read(store, "blobs/a")


async def test_objects_of_an_old_key_are_read_after_a_rotation(store, tmp_path, keyring):
    await store.write("blobs/a", once(b"x"), b"c")
    assert (
        await read(BlobStore(FolderBackend(tmp_path), keyring.rotated("blob")), "blobs/a") == b"x"
    )


async def test_an_object_appears_whole_or_not_at_all(store, tmp_path):
    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * 200_000
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await store.write("blobs/a", breaks(), b"c")
    assert not await store.backend.exists("blobs/a")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(BlobMissing):
        await read(store, "blobs/a")


async def test_names_cannot_leave_the_folder(store):
    for name in ("../x", "/etc/passwd", "a/../../x", "", "a//..", ".hidden"):
        with pytest.raises(ValueError, match="object name"):
            await store.backend.delete(name)


async def test_moving_and_listing(store):
    await store.write("a/1", once(b"1"), b"c")
    await store.backend.move("a/1", "b/1")
    assert await store.backend.names("a") == []
    assert await store.backend.names("b") == ["b/1"]
    with pytest.raises(BlobMissing):
        await store.backend.move("a/1", "b/2")


async def test_the_name_of_content_needs_the_key(store, tmp_path):
    sha256, size = await hash_of(once(b"content"))
    other = BlobStore(FolderBackend(tmp_path), generate_keyring())
    assert size == 7
    assert store.name_of(sha256) == store.name_of(sha256) != other.name_of(sha256)
    assert sha256.hex() not in store.name_of(sha256)


# --- photos ------------------------------------------------------------------------------------


def photo(format_name: str = "JPEG", *, orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "SecretCamera"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "S", 2: (2.0, 32.0, 24.0), 3: "E", 4: (112.0, 57.0, 0.0)}
    )
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:11:20 09:30:00"
    picture = Image.effect_noise((64, 48), 40).convert("RGB")
    options = {"comment": b"SecretComment"} if format_name == "JPEG" else {}
    if format_name == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("Comment", "SecretComment")
    written = io.BytesIO()
    picture.save(written, format_name, exif=exif, xmp=b"<SecretXmp/>", **options)
    return written.getvalue()


@pytest.mark.parametrize(
    ("format_name", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")],
)
def test_place_and_time_are_read_and_only_the_picture_stays(format_name, media_type):
    before = photo(format_name)
    found = read_and_strip(before, media_type)

    assert found.latitude == pytest.approx(-2.54)
    assert found.longitude == pytest.approx(112.95)
    assert found.taken_at == datetime(2026, 11, 20, 2, 30, tzinfo=UTC)
    for secret in (b"SecretCamera", b"SecretComment", b"SecretXmp"):
        assert secret not in found.content
    after = Image.open(io.BytesIO(found.content))
    assert after.size == (64, 48)
    assert dict(after.getexif()) == {ExifTags.Base.Orientation: 6}


def test_a_stripped_photo_says_nothing_more():
    again = read_and_strip(read_and_strip(photo(), "image/jpeg").content, "image/jpeg")
    assert (again.latitude, again.longitude, again.taken_at) == (None, None, None)


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", photo()[:200], photo("PNG"), b"\xff\xd8\xff" + b"\0" * 500]
)
def test_what_is_no_such_picture_is_refused(content):
    with pytest.raises(ImageDamaged):
        read_and_strip(content, "image/jpeg")


def test_a_picture_that_unfolds_too_large_is_refused():
    written = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(written, "PNG")
    assert len(written.getvalue()) < 1_000_000
    with pytest.raises(ImageDamaged):
        read_and_strip(written.getvalue(), "image/png")


def test_nonsense_coordinates_are_unknown_not_wrong():
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (200.0, 0.0, 0.0), 3: "E", 4: (1.0, 0, 0)}
    )
    written = io.BytesIO()
    Image.new("RGB", (8, 8)).save(written, "JPEG", exif=exif)
    assert read_and_strip(written.getvalue(), "image/jpeg").latitude is None
