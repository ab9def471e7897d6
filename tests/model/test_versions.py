"""Versions that follow content."""

from hypothesis import given
from hypothesis import strategies as st

from model.versions import MAXIMUM_NODE, content_version

CONTENT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4),
    max_leaves=8,
)


@given(CONTENT)
def test_every_version_is_one_that_image_builder_takes(content: object) -> None:
    major, minor, patch = (int(node) for node in content_version(content).split("."))
    assert major == 1
    assert 0 <= minor <= MAXIMUM_NODE
    assert 0 <= patch <= MAXIMUM_NODE


def test_equal_content_keeps_its_version_and_changed_content_moves_it() -> None:
    assert content_version({"a": 1, "b": 2}) == content_version({"b": 2, "a": 1})
    assert content_version("echo one") != content_version("echo two")


def test_the_order_of_a_list_is_content() -> None:
    assert content_version(["a", "b"]) != content_version(["b", "a"])
