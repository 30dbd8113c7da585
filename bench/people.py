"""People made by arithmetic: the same number always gives the same person, at any size of the realm.

Names, domains, departments and states are skewed as in a real directory: few are common, many are rare.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

FIRST_DAY = datetime(2021, 3, 1, 6, 0, tzinfo=UTC)
DAYS = 1_500
"""People joined evenly over this time."""
LAST_DAY = FIRST_DAY + timedelta(days=DAYS)
"""Everybody joined before; whoever is made in a run joins later."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_GIVEN = _words(
    "An Bri Ca Da Eli Fri Gu Han In Jo Ka Li Ma Nor Os Pe Ru Si To Ul Vik Wil Ya Zo Åsa Éli Ömer Chi Thé Sve"
)
_GIVEN_ENDS = _words("na ta rin vid as da nar nes grid han ra sa tin ben kar ter")
_FAMILY = _words(
    "Berg Lind Sand Holm Ek Björk Strand Ny Hög Sjö Dal Gran Alm Hed Wester Öster Norr Söder Fors Ström Blom Rosen"
    " Silver Gyllen Stål Mühl Schön Lager Ceder Palm Hall Åker Vik Mar Klint Falk Svan Ullen Kvarn Tall"
)
_FAMILY_ENDS = _words(
    "man ström qvist gren berg lund stedt blad feldt kvist dahl mark sson rup vall hagen torp näs ander burg hoff land"
    " rot sjö stad bo ell ing ius én"
)
_HOSTS = _words("mail post north south care works school city lab shop")
_DOMAINS = [f"{host}.example.{top}" for host in _HOSTS for top in ("com", "org", "net")]
_DEPARTMENTS = _words(
    "sales care logistics kitchen finance it people legal research support cleaning security purchasing marketing"
    " quality training facilities transport board archive"
)
_TAGS = _words("vip newsletter trainer first-aid night-shift driver key-holder temporary")
_LOCALES = _words("sv-SE en de-DE nb-NO fi-FI da-DK en-GB fr-FR")
_PLAIN = str.maketrans("åäöüéèÅÄÖÉ", "aaoueeAAOE")
FACILITIES = [f"facility-{number:03d}" for number in range(1_000)]
_MASK = (1 << 64) - 1


class Person(msgspec.Struct, frozen=True):
    """What a caller would send to make this person, and when that was."""

    number: int
    username: str
    email: str
    phone: str
    display_name: str
    given_name: str
    family_name: str
    locale: str
    status: str
    attributes: dict[str, object]
    tags: list[str]
    verified: bool
    created_at: datetime
    noise: int


def person(number: int, size: int) -> Person:
    """The person of this number in a directory of `size` people."""
    names, work = mixed(number), mixed(number + (1 << 60))
    given = _skewed(_GIVEN, names) + _even(_GIVEN_ENDS, names >> 12)
    family = _skewed(_FAMILY, names >> 24) + _even(_FAMILY_ENDS, names >> 36)
    username = f"{given}.{family}{number}".translate(_PLAIN).lower()
    return Person(
        number=number,
        username=username,
        email=f"{username}@{_skewed(_DOMAINS, names >> 48)}",
        phone=f"+4670{number % 10_000_000:07d}",
        display_name=f"{given} {family}",
        given_name=given,
        family_name=family,
        locale=_skewed(_LOCALES, work),
        status=_status(work >> 12),
        attributes={
            "department": _skewed(_DEPARTMENTS, work >> 24),
            "site": f"site-{(work >> 36) % 300:03d}",
            "employee_no": f"E{number:08d}",
        },
        tags=sorted({_skewed(_TAGS, work >> 48), _skewed(_TAGS, names >> 30)}) if work & 3 else [],
        verified=names >> 60 != 0,
        created_at=FIRST_DAY + timedelta(milliseconds=number % size * (DAYS * 86_400_000 // size)),
        noise=names ^ work,
    )


def facility(person: Person) -> str:
    """Where the person works."""
    return _even(FACILITIES, person.noise >> 20)


def people(size: int, *, start: int = 0, count: int | None = None) -> Iterator[Person]:
    """`count` people of a directory of `size`, from `start` on."""
    stop = size if count is None else start + count
    return (person(number, size) for number in range(start, stop))


def mixed(number: int) -> int:
    """64 bits that look random (the finaliser of SplitMix64)."""
    bits = (number + 1) * 0x9E3779B97F4A7C15 & _MASK
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _MASK
    return bits ^ bits >> 31


def _even(choices: Sequence[str], bits: int) -> str:
    return choices[(bits & 0xFFF) % len(choices)]


def _skewed(choices: Sequence[str], bits: int) -> str:
    """The first choices are much more common than the last: the share falls with the square."""
    part = (bits & 0xFFF) / 0x1000
    return choices[int(part * part * len(choices))]


def _status(bits: int) -> str:
    part = bits & 0xFFF
    return "active" if part < 3890 else "disabled" if part < 4020 else "pending"
