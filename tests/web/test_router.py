"""The trie against a model that tries every pattern in turn."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.web.path import Pattern, split
from roster.web.router import Router

WORDS = st.sampled_from(["users", "me", "count", "a", "a.json", "~a", "x:do", ""])
SEGMENTS = st.sampled_from(["users", "me", "count", "a", "{p}", "~{p}", "{p}.json", "{p}:do", "a{p}", "a{p}.json"])
PATTERNS = st.lists(SEGMENTS, min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(part.replace("{p}", f"{{p{index}}}") for index, part in enumerate(parts))
)
PATHS = st.lists(WORDS, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


def _rank(segment: str) -> tuple[int, int]:
    if "{" not in segment:
        return (0, 0)
    around = len(re.sub(r"\{.*\}", "", segment))
    return (1, -around) if around else (2, 0)


def _matches(pattern: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\\\{p\d\\\}", "[^/]+", re.escape(pattern)), path) is not None


@given(st.sets(PATTERNS, min_size=1, max_size=12), PATHS)
def test_the_trie_finds_what_trying_every_pattern_in_order_of_precision_finds(patterns: set[str], path: str):
    router: Router[str] = Router()
    for pattern in patterns:
        router.add("GET", Pattern(pattern), pattern)
    found = router.find(split(path) or [])
    fitting = [pattern for pattern in patterns if _matches(pattern, path)]

    if found is None:
        assert not fitting
        return
    target, names = found[0].by_method["GET"]
    ranks = {pattern: [_rank(part) for part in pattern[1:].split("/")] for pattern in fitting}
    assert ranks[target] == min(ranks.values())
    filled = target
    for name, value in zip(names, found[1], strict=True):
        filled = filled.replace(f"{{{name}}}", value)
    assert filled == path


def test_a_search_that_goes_astray_comes_back_without_the_values_it_took():
    router: Router[int] = Router()
    router.add("GET", Pattern("/users/me/keys"), 1)
    router.add("GET", Pattern("/users/{id}.json/parts"), 2)
    router.add("GET", Pattern("/users/{id}/photo"), 3)

    leaf, values = router.find(["users", "me.json", "photo"]) or pytest.fail("nothing found")

    assert leaf.by_method["GET"][0] == 3
    assert values == ["me.json"]


def test_the_path_decides_before_the_method():
    router: Router[int] = Router()
    router.add("GET", Pattern("/users/count"), 1)
    router.add("PUT", Pattern("/users/{id}"), 2)

    leaf, _ = router.find(["users", "count"]) or pytest.fail("nothing found")

    assert leaf.allowed == {"GET", "HEAD", "OPTIONS"}


def test_registering_a_method_twice_is_refused():
    router: Router[int] = Router()
    router.add("GET", Pattern("/a/{b}"), 1)

    with pytest.raises(ValueError, match="twice"):
        router.add("GET", Pattern("/a/{c}"), 2)


def test_a_final_slash_matters_only_when_it_should():
    strict: Router[int] = Router()
    both: Router[int] = Router(both_slashes=True)
    for router in (strict, both):
        router.add("GET", Pattern("/users/"), 1)
        router.add("GET", Pattern("/me"), 2)

    assert strict.find(["users", ""])
    assert strict.find(["users"]) is None
    assert strict.find(["me", ""]) is None
    assert all(both.find(parts) for parts in (["users", ""], ["users"], ["me"], ["me", ""]))
    assert both.find(["users", "", ""]) is None


def test_a_parameter_is_never_empty():
    router: Router[int] = Router()
    router.add("GET", Pattern("/users/{id}"), 1)
    router.add("GET", Pattern("/~{realm}"), 1)

    assert router.find(["users", ""]) is None
    assert router.find(["~"]) is None


@pytest.mark.parametrize("text", ["users", "/{a}{b}", "/{a}/{a}", "/{a", "/{}", "/a}"])
def test_what_is_no_pattern_is_refused(text: str):
    with pytest.raises(ValueError, match=r"slash|segment|twice"):
        Pattern(text)
