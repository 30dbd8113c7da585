"""What requests and answers of all subjects are made of."""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Line = Annotated[str, Meta(max_length=200)]
Secret = Annotated[str, Meta(min_length=1, max_length=1024)]
NewSecret = Annotated[
    str,
    Meta(min_length=1, max_length=1024, description="The realm may ask for more.", extra_json_schema={"minLength": 8}),
]
Identifier = Annotated[str, Meta(min_length=1, max_length=320)]
Username = Annotated[str, Meta(min_length=1, max_length=200)]
Address = Annotated[str, Meta(max_length=320)]
Phone = Annotated[str, Meta(max_length=64)]
Locale = Annotated[str, Meta(max_length=35)]
PersonalNumber = Annotated[str, Meta(max_length=64)]
Picture = Annotated[str, Meta(max_length=2000)]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]
Code = Annotated[str, Meta(min_length=1, max_length=64)]
Status = Literal["pending", "active", "disabled"]
Slug = Annotated[str, Meta(min_length=1, max_length=63)]
RoleName = Annotated[str, Meta(min_length=1, max_length=200)]
Limit = Annotated[int, Meta(ge=1, le=1000, description="Entries on a page.")]
Cursor = Annotated[str, Meta(max_length=2000, description="`next_cursor` or `previous_cursor` of an earlier page.")]
Where = Annotated[
    str, Meta(max_length=2000, description='For example `status eq "active" and email ew "@example.com"`.')
]
Order = Annotated[
    str, Meta(max_length=400, description="Field names, descending after a hyphen: `-created_at,username`.")
]


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request. Whatever it does not list is refused."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""


class Listing(Output, Generic[T], frozen=True, kw_only=True):
    """A page. `total` is counted only when asked for with `total=true`."""

    items: list[T]
    next_cursor: str | None = None
    previous_cursor: str | None = None
    total: int | None = None


class PageQuery(Input, frozen=True, kw_only=True):
    """Which part of a list."""

    limit: Limit = 25
    cursor: Cursor | None = None


class SearchQuery(PageQuery, frozen=True, kw_only=True):
    """Which entries, in what order, which part of them."""

    filter: Where | None = None
    sort: Order | None = None
    total: Annotated[bool, Meta(description="Whether to count all that match.")] = False
