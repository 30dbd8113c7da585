"""Pictures that authenticators read."""

import io

import segno


def png(text: str) -> bytes:
    """A QR code of the text as a PNG."""
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(picture, kind="png", scale=4, border=4)
    return picture.getvalue()
