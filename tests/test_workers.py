import pytest

from tests.workers import LONGEST_FIRST, ONE_CLOUD_EACH, TESTS, group_of, turn_of


@pytest.mark.parametrize("group", sorted({*ONE_CLOUD_EACH, *LONGEST_FIRST}))
def test_every_group_is_named_as_it_lies_in_the_tree(group: str) -> None:
    assert (TESTS.parent / group).exists()
    assert group_of(f"{group}/test_one.py::test_one") == group or group.endswith(".py")


def test_tests_of_one_cloud_stay_together_and_other_modules_are_groups_of_their_own() -> None:
    assert group_of("tests/stacks/test_examples.py::test_one[a/b]") == group_of(
        "tests/stacks/test_backend.py::test_two"
    )
    assert group_of("tests/model/test_versions.py::test_one") == "tests/model/test_versions.py"
    assert group_of("tests/model/test_versions.py::test_one") != group_of("tests/model/test_manifest.py::test_one")


def test_the_longest_come_before_all_others() -> None:
    assert turn_of("tests/stacks/test_examples.py::test_one") == 0
    assert turn_of("tests/stacks/products/test_scans.py::test_one") == 1
    assert turn_of("tests/stacks/permissions/test_statements.py::test_one") == 2
    assert turn_of("tests/model/test_versions.py::test_one") == turn_of("tests/test_workers.py::test_one") > 0
