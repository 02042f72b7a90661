"""Photos: where and when they were taken is read, then everything but the picture is dropped."""

import io
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from PIL import ExifTags, Image

from services.shared.clock import WIB

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
PIXELS_MAX = 60_000_000
"""A small file can unfold into an enormous picture; telephones take up to 50 megapixels."""


class ImageDamaged(Exception):
    """The bytes are no picture of the format said, or unfold into too large a one."""


@dataclass(frozen=True, slots=True)
class Photo:
    """The picture without its metadata, and what they said. Degrees, WGS 84."""

    content: bytes
    latitude: float | None
    longitude: float | None
    taken_at: datetime | None


def read_and_strip(content: bytes, media_type: str) -> Photo:
    """Read place and time from EXIF and return the picture without any metadata.

    The orientation is kept, or portraits would lie down. JPEG keeps its own quality tables.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=[FORMATS[media_type]])
        if image.width * image.height > PIXELS_MAX:
            raise ImageDamaged("too many pixels")
        exif = image.getexif()
        latitude, longitude = _position(exif.get_ifd(ExifTags.IFD.GPSInfo))
        taken_at = _taken_at(exif.get_ifd(ExifTags.IFD.Exif))
        return Photo(_plain(image, exif), latitude, longitude, taken_at)
    except (
        OSError,
        ValueError,
        SyntaxError,
        TypeError,
        KeyError,
        ArithmeticError,
        EOFError,
        MemoryError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        # Pillow raises all of these for damaged files.
        raise ImageDamaged(type(error).__name__) from error


def _plain(image: Image.Image, exif: Image.Exif) -> bytes:
    kept = Image.Exif()
    orientation = exif.get(ExifTags.Base.Orientation)
    if orientation in range(2, 9):
        kept[ExifTags.Base.Orientation] = orientation
    options: dict[str, Any] = {"exif": kept, "icc_profile": image.info.get("icc_profile")}
    options |= {"quality": "keep"} if image.format == "JPEG" else {"lossless": True}
    image.load()
    # Comments, XMP and text chunks live in ``info``; Pillow writes some of them back.
    image.info = {"transparency": t} if (t := image.info.get("transparency")) is not None else {}
    written = io.BytesIO()
    image.save(written, image.format, **options)
    return written.getvalue()


def _position(gps: dict[int, Any]) -> tuple[float | None, float | None]:
    try:
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude])
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None, None
    if gps.get(ExifTags.GPS.GPSLatitudeRef) in ("S", b"S"):
        latitude = -latitude
    if gps.get(ExifTags.GPS.GPSLongitudeRef) in ("W", b"W"):
        longitude = -longitude
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # noqa: PLR2004 - degrees on a globe
        return None, None
    return round(latitude, 7), round(longitude, 7)


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600


def _taken_at(exif: dict[int, Any]) -> datetime | None:
    """Return the camera's time; without a zone of its own it is local time."""
    text = str(exif.get(ExifTags.Base.DateTimeOriginal, ""))
    offset = str(exif.get(ExifTags.Base.OffsetTimeOriginal, ""))
    try:
        if offset:
            taken = datetime.strptime(text + offset, "%Y:%m:%d %H:%M:%S%z")
        else:
            taken = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=WIB)
        return taken.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
