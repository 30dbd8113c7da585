"""What is subscribed, so that each message reaches one place, and which operation it then means."""

from typing import Any

import pytest

from roster.dialects.wellbee import on_bus
from roster.dialects.wellbee.bus.table import Interest, Table
from roster.dialects.wellbee.subjects import EVERY_INSTANCE, Services
from roster.web.operation import Operation, Operations


async def handler() -> None: ...


def table(*described: tuple[str, str]) -> Table:
    ops = Operations()
    for method, path in described:
        ops.route(method, path, id=f"{method} {path}")(_takes(path))
    return Table(ops)


def _takes(path: str) -> Any:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    made: dict[str, Any] = {}
    exec(f"async def handler({', '.join(f'{name}: str' for name in names)}): ...", made)  # noqa: S102
    return made["handler"]


def meant(found: Table, subject: str) -> str:
    route = found.find(subject)
    return "" if route is None else route.subject


def interests(found: Table) -> set[tuple[str, str]]:
    return {(each.pattern, each.queue) for each in found.interests()}


def test_subjects_keep_the_names_of_parameters_for_their_queue():
    found = table(("GET", "/admin/user/{id}"), ("DELETE", "/admin/user/{id}"))
    assert interests(found) == {
        ("http.get.admin.user.*", "http.get.admin.user.:id"),
        ("http.delete.admin.user.*", "http.delete.admin.user.:id"),
    }


def test_what_another_pattern_covers_is_not_subscribed_by_itself():
    found = table(("GET", "/user/{id}"), ("GET", "/user/me"), ("GET", "/user/me/more"), ("GET", "/{any}/{other}"))
    assert interests(found) == {("http.get.*.*", "http.get.:any.:other"), ("http.get.user.me.more",) * 2}
    assert meant(found, "http.get.user.me") == "http.get.user.me"
    assert meant(found, "http.get.user.you") == "http.get.user.:id"
    assert meant(found, "http.get.thing.you") == "http.get.:any.:other"
    assert meant(found, "http.get.thing") == ""


def test_patterns_that_cross_share_a_queue():
    found = table(("GET", "/a/{x}"), ("GET", "/{y}/b"))
    assert interests(found) == {("http.get.a.*", "http.get.:y.b"), ("http.get.*.b", "http.get.:y.b")}
    assert meant(found, "http.get.a.b") == "http.get.a.:x"


def test_a_path_of_all_methods_is_one_subject():
    methods = ("GET", "POST", "PUT", "DELETE")
    found = table(*((method, "/auth/logout") for method in methods))
    assert interests(found) == {("http.*.auth.logout", "http.*.auth.logout")}


def test_what_every_process_answers_has_no_queue():
    services = Services()
    services.serve("web.unregister", id="x", extra={EVERY_INSTANCE: True})(handler)
    assert list(Table(services).interests()) == [Interest("web.unregister", "")]


def test_no_subject_of_the_dialect_reaches_two_queues():
    found = Table(on_bus.operations)
    every = list(found.interests())
    for one in every:
        for other in every:
            if one != other and one.queue != other.queue:
                assert not _touch(one.pattern.split("."), other.pattern.split(".")), (one, other)


@pytest.mark.parametrize("operation", list(on_bus.operations), ids=lambda each: each.id)
def test_every_operation_of_the_dialect_is_subscribed_and_found(operation: Operation):
    found = Table(on_bus.operations)
    route = next(each for each in found.routes if each.operation.path == operation.path)
    subject = route.pattern.replace("*", "x")
    assert any(_touch(subject.split("."), each.pattern.split(".")) for each in found.interests())
    assert meant(found, subject) == route.subject


def test_pages_of_the_gateway_are_not_on_the_bus():
    assert not [each for each in Table(on_bus.operations).routes if each.subject in ("http.get", "http.get.health")]


def _touch(one: list[str], other: list[str]) -> bool:
    return len(one) == len(other) and all(a == b or "*" in (a, b) for a, b in zip(one, other, strict=True))
