"""Changing pictures. Pure work on bytes, to be done on a thread."""

import io
from typing import Final

from roster.core.files.errors import FileKindRefused
from roster.core.files.models import Shape

_MOST_PIXELS: Final = 50_000_000
_FORMATS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}


def changed(data: bytes, media_type: str, shape: Shape) -> bytes:
    """The picture, no wider and no higher than asked for, turned; in its own format, without what cameras add.

    Raises FileKindRefused for what is no picture after all, or has more than fifty million pixels.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError  # loaded where it is needed: most never change a picture

    try:
        with Image.open(io.BytesIO(data), formats=[_FORMATS[media_type]]) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise FileKindRefused
            picture = ImageOps.exif_transpose(opened)
            picture.thumbnail((shape.width or picture.width, shape.height or picture.height))
            if shape.angle % 360:
                picture = picture.rotate(-shape.angle, expand=True)
            made = io.BytesIO()
            picture.save(made, _FORMATS[media_type])
            return made.getvalue()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FileKindRefused from error
