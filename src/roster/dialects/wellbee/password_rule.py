"""What passwords look like here (notes, section 15); the realm's own rules come on top."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from roster.dialects.wellbee.refusals import InvalidPassword
from roster.kit.errors import InvalidInput
from roster.storage.runtime import Runtime

_LONGEST = 1000


def check(runtime: Runtime, password: str) -> None:
    """Raise InvalidPassword for one that does not look like it."""
    if re.search(runtime.settings.dialects.wellbee.password_pattern, password[:_LONGEST]) is None:
        raise InvalidPassword


@contextmanager
def said() -> Iterator[None]:
    """What the directory says about a password, in this API's words."""
    try:
        yield
    except InvalidPassword:
        raise
    except InvalidInput as error:
        raise InvalidPassword(text=error.message) from error
