"""Filters: wildcards, lists of values, tags, pages."""

import fnmatch
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cloud.call import ServiceError
from local.cloud.compute.filters import matching, page

TEXT = st.text(alphabet="ab*?[]!\\.-^\n", max_size=6)


def found(items: list[str], *values: str) -> list[str]:
    filters = [{"Name": "name", "Values": list(values)}]
    return matching(items, filters, {"name": lambda item: [item]}, lambda _item: {})


def escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "*?\\" else letter for letter in text)


@given(text=TEXT, other=TEXT)
def test_an_escaped_value_finds_itself_and_nothing_else(text: str, other: str) -> None:
    assert found([text], escaped(text)) == [text]
    assert found([other], escaped(text)) == ([other] if other == text else [])


@given(before=TEXT, between=TEXT, after=TEXT)
def test_an_asterisk_stands_for_any_text(before: str, between: str, after: str) -> None:
    assert found([before + between + after], f"{escaped(before)}*{escaped(after)}") == [before + between + after]


@given(before=TEXT, between=TEXT, after=TEXT)
def test_a_question_mark_stands_for_one_character(before: str, between: str, after: str) -> None:
    item = before + between + after
    pattern = f"{escaped(before)}?{escaped(after)}"
    assert bool(found([item], pattern)) is (len(item) == len(before) + 1 + len(after) and _fits(item, before, after))


def _fits(item: str, before: str, after: str) -> bool:
    return item.startswith(before) and item.endswith(after)


@given(item=st.text(alphabet="abc", max_size=5), pattern=st.text(alphabet="abc*?", max_size=5))
def test_wildcards_without_escapes_agree_with_the_shell_s(item: str, pattern: str) -> None:
    assert bool(found([item], pattern)) is fnmatch.fnmatchcase(item, pattern)


@given(items=st.lists(TEXT, unique=True), values=st.lists(TEXT, max_size=4))
def test_a_filter_keeps_what_matches_one_of_its_values_in_order(items: list[str], values: list[str]) -> None:
    plain = [escaped(value) for value in values]
    assert found(items, *plain) == [item for item in items if item in values]


def test_every_filter_must_match() -> None:
    readers: Any = {"first": lambda item: [item[0]], "last": lambda item: [item[-1]]}
    filters = [{"Name": "first", "Values": ["a"]}, {"Name": "last", "Values": ["z"]}]
    assert matching(["az", "ab", "bz"], filters, readers, lambda _item: {}) == ["az"]


def test_tags_are_filtered_by_value_and_by_key() -> None:
    tags = {"one": {"stage": "new"}, "two": {"stage": "old"}, "three": {}}

    def chosen(name: str, *values: str) -> list[str]:
        return matching(tags, [{"Name": name, "Values": list(values)}], {}, lambda item: tags[item])

    assert chosen("tag:stage", "new") == ["one"]
    assert chosen("tag:stage", "*") == ["one", "two"]
    assert chosen("tag-key", "stage") == ["one", "two"]
    assert chosen("tag:other", "*") == []


def test_an_unknown_filter_is_refused_by_name_also_where_nothing_is_left_to_filter() -> None:
    with pytest.raises(ServiceError, match="'colour'") as refused:
        matching([], [{"Name": "colour", "Values": ["red"]}], {}, lambda _item: {})
    assert refused.value.code == "InvalidParameterValue"


@given(count=st.integers(0, 30), size=st.integers(1, 10))
def test_pages_join_to_the_whole_list_whatever_their_size(count: int, size: int) -> None:
    joined: list[int] = []
    parameters: dict[str, Any] = {"MaxResults": size}
    while True:
        shown, token = page(range(count), parameters)
        joined += shown
        if token is None:
            break
        assert len(shown) == size
        parameters = {"MaxResults": size, "NextToken": token}
    assert joined == list(range(count))
