import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cloud.image_builder.versions import ResourceArn, Version, VersionError, arn_name, assigned, newest

VERSIONS = [Version.parse(text) for text in ("1.0.0", "1.0.9", "1.0.10", "1.2.3", "2.0.0")]


@pytest.mark.parametrize(
    ("pattern", "wanted"), [("1.0.x", "1.0.10"), ("1.x.x", "1.2.3"), ("x.x.x", "2.0.0"), ("3.x.x", None)]
)
def test_a_wildcard_means_the_highest_version_by_number(pattern: str, wanted: str | None) -> None:
    found = newest(pattern, VERSIONS)
    assert (str(found) if found else None) == wanted


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [("1.0.x", "1.0.11"), ("1.x.0", "1.3.0"), ("x.x.x", "2.0.1"), ("3.0.x", "3.0.0"), ("4.5.6", "4.5.6")],
)
def test_a_new_recipe_counts_its_open_node_up(pattern: str, wanted: str) -> None:
    assert str(assigned(pattern, VERSIONS)) == wanted


@pytest.mark.parametrize("text", ["1.0", "1.0.0.0", "1.0.x", "1.0.-1", "a.b.c", f"1.0.{2**30}"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(VersionError):
        Version.parse(text)


@given(st.lists(st.tuples(*[st.integers(0, 50)] * 3), min_size=1))
def test_an_assigned_patch_is_new_and_the_highest(nodes: list[tuple[int, int, int]]) -> None:
    taken = [Version(*node) for node in nodes]
    new = assigned(f"{taken[0].major}.{taken[0].minor}.x", taken)
    assert new not in taken
    assert all(new > version for version in taken if (version.major, version.minor) == (new.major, new.minor))


def test_an_arn_survives_being_taken_apart() -> None:
    text = "arn:aws:imagebuilder:us-east-1:111111111111:component/install-nginx/1.0.0/1"
    arn = ResourceArn.parse(text)
    assert (arn.kind, arn.name, arn.version, arn.build) == ("component", "install-nginx", "1.0.0", 1)
    assert str(arn) == text
    assert arn.unbuilt == text.removesuffix("/1")


def test_names_are_lower_case_with_hyphens_in_arns() -> None:
    assert arn_name("My Web_Component") == "my-web-component"
