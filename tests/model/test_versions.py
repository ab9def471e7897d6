"""Versions that follow content, beside those that Image Builder holds already."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.versions import MAXIMUM_NODE, Published, PublishedVersions, content_digest, content_version, nodes

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


class Deployments:
    """Image Builder as one product's deployments leave it: no version is ever made twice."""

    def __init__(self, retain: bool) -> None:
        self.retain = retain
        self.held: dict[str, Any] = {}
        self.state: str | None = None
        self.deployed = False

    def published(self) -> Published:
        return Published(dict.fromkeys(self.held), self.deployed, not self.deployed)

    def deploy(self, content: Any, interrupted: bool = False) -> bool:
        """One `pulumi up`; returns whether a version was made. An interrupted one ends before the pipeline's turn."""
        version = self.published().version_for(content)
        made = version != self.state
        if made:
            assert version not in self.held, "Image Builder has that version already"
            self.held[version] = content
            if self.state and not self.retain:
                del self.held[self.state]
            self.state = version
        assert self.held[version] == content
        self.deployed = self.deployed or not interrupted
        return made


@given(
    retain=st.booleans(),
    contents=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12),
)
def test_no_edit_meets_a_version_that_exists_and_nothing_changes_without_an_edit(
    retain: bool, contents: list[tuple[int, bool]]
) -> None:
    deployments = Deployments(retain)
    last: int | None = None
    for content, interrupted in contents:
        before = deployments.deployed
        made = deployments.deploy(content, interrupted)
        assert made or content == last
        assert not (made and before and content == last)
        last = content


def test_earlier_content_comes_back_under_a_version_beyond_all_others() -> None:
    deployments = Deployments(retain=True)
    for content in ("one", "two", "one"):
        assert deployments.deploy(content)
    assert sorted(deployments.held, key=nodes) == [
        content_version("one", 1),
        content_version("two", 2),
        content_version("one", 3),
    ]


def test_a_component_that_was_left_out_and_comes_back_gets_a_new_version() -> None:
    held = Published({content_version("one"): None}, deployed=False, new_product=False)
    assert held.version_for("one") == content_version("one", 2)


def test_a_version_beside_stated_ones_is_beyond_them() -> None:
    assert Published({"3.1.6": None}, deployed=True, new_product=False).version_for("one") == content_version("one", 4)


ONE = content_digest("one")


@pytest.mark.parametrize(
    ("published", "version", "told"),
    [
        (Published(), "1.0.1", None),
        (Published({"1.0.0": ONE}, True, False), "1.0.1", None),
        (Published({"1.0.1": ONE}, True, False), "1.0.1", None),
        # The first deployment was interrupted before there was a pipeline.
        (Published({"1.0.1": ONE}, False, True), "1.0.1", None),
        (Published({"1.0.1": content_digest("two")}, True, False), "1.0.1", "version 1.0.1 exists with other content"),
        (Published({"1.0.1": None}, True, False), "1.0.1", "version 1.0.1 exists with other content"),
        (
            Published({"1.0.1": ONE, "1.0.2": None}, True, False),
            "1.0.1",
            "version 1.0.1 was used before and is retained",
        ),
        (Published({"1.0.1": ONE}, False, False), "1.0.1", "version 1.0.1 was used before and is retained"),
        (Published({"1.0.9": None, "1.0.10": None}, True, False), "1.0.8", "version 1.0.8 is not beyond 1.0.10"),
    ],
)
def test_a_stated_version_is_refused_where_it_could_not_be_made(
    published: Published, version: str, told: str | None
) -> None:
    conflict = published.conflict(version, "one")
    assert (conflict is None) == (told is None)
    if told and conflict:
        assert conflict.startswith(told)
        assert "state " in conflict


def test_a_component_that_nobody_made_has_no_versions() -> None:
    assert PublishedVersions().component("agent").version_for("one") == content_version("one")
