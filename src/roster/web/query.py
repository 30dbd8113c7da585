"""Query parameters as an ordered multi-dict, decoded when first asked for."""

from collections.abc import Iterator

from roster.kit.errors import InvalidInput
from roster.web import path

MAX_LENGTH = 16_384
MAX_COUNT = 500


class Query:
    """Decoded query parameters in the order sent. Any access raises InvalidInput when the query string is malformed."""

    __slots__ = ("_pairs", "_separators", "raw")

    def __init__(self, raw: bytes, separators: str = "&") -> None:
        self.raw = raw
        self._separators = separators
        self._pairs: list[tuple[str, str]] | None = None if raw else []

    def items(self) -> list[tuple[str, str]]:
        """All pairs; a name may occur more than once."""
        if self._pairs is None:
            self._pairs = parse(self.raw, self._separators)
        return self._pairs

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of the name."""
        for key, value in self.items():
            if key == name:
                return value
        return default

    def get_all(self, name: str) -> list[str]:
        """All values of the name."""
        return [value for key, value in self.items() if key == name]

    def __contains__(self, name: object) -> bool:
        return any(key == name for key, _ in self.items())

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key for key, _ in self.items()))

    def __len__(self) -> int:
        return len(self.items())


def parse(raw: bytes, separators: str = "&") -> list[tuple[str, str]]:
    """Pairs of a query string or form body (WHATWG `application/x-www-form-urlencoded`), refusing what that repairs."""
    if len(raw) > MAX_LENGTH:
        raise InvalidInput.of("query", "too_long", f"The query is longer than {MAX_LENGTH} bytes.")
    text = raw.decode("latin-1")
    for other in separators[1:]:
        text = text.replace(other, separators[0])
    return pairs(text, separators[0])


def pairs(text: str, separator: str = "&") -> list[tuple[str, str]]:
    """The same without the limit on length, for form bodies, which have one of their own."""
    parts = [part for part in text.replace("+", " ").split(separator) if part]
    if len(parts) > MAX_COUNT:
        raise InvalidInput.of("query", "too_many", f"There are more than {MAX_COUNT} parameters.")
    return [_pair(part) for part in parts]


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    decoded_name, decoded = path.decode(name), path.decode(value)
    if decoded_name is None:
        raise InvalidInput.of("query", "malformed", "The name of a query parameter is not valid percent-encoded UTF-8.")
    if decoded is None:
        raise InvalidInput.of(decoded_name, "malformed", "The value is not valid percent-encoded UTF-8.")
    return decoded_name, decoded
