"""How tests are shared out among several workers (pytest-xdist)."""

from pathlib import Path

from xdist.scheduler import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs]

TESTS = Path(__file__).parent

ONE_CLOUD_EACH = (
    "tests/stacks/permissions",
    "tests/stacks/products",
    "tests/stacks",
    "tests/local/cloud/auto_scaling",
    "tests/local/cloud/keys",
)
"""Folders whose tests share what takes long to make, a deployment or a served cloud: one worker runs all of them.

A folder within another comes before it.
"""

LONGEST_FIRST = (
    "tests/stacks",
    "tests/stacks/products",
    "tests/stacks/permissions",
    "tests/runtime/served/test_retention_on_the_cloud.py",
    "tests/components/test_limits.py",
    "tests/model/files/test_corruptions.py",
    "tests/local/cloud/image_builder/test_refusing_targets.py",
    "tests/local/provider/test_stacks.py",
    "tests/runtime/served/test_upload_schedules_on_the_cloud.py",
    "tests/local/provider/test_function_stacks.py",
    "tests/local/test_stacks.py",
    "tests/local/check/test_products.py",
    "tests/policies/test_first_previews.py",
    "tests/policies/test_running_the_pack.py",
    "tests/ci/test_deployments.py",
    "tests/local/cloud/auto_scaling",
    "tests/local/cloud/keys",
    "tests/local/cloud/image_builder/test_whole_cloud.py",
    "tests/local/engine/test_running_programs.py",
    "tests/runtime/functions/test_upload_schedules.py",
    "tests/local/cloud/test_deliveries.py",
)
"""Groups of tests that take longest, in that order, so that all workers end at about the same time."""


def group_of(test: str) -> str:
    """What one worker runs as a whole: the test's module, or its folder of `ONE_CLOUD_EACH`."""
    module = test.split("::")[0]
    return next((folder for folder in ONE_CLOUD_EACH if module.startswith(f"{folder}/")), module)


def turn_of(test: str) -> int:
    """Where in the order a test comes; the same for all that are not in `LONGEST_FIRST`."""
    group = group_of(test)
    return LONGEST_FIRST.index(group) if group in LONGEST_FIRST else len(LONGEST_FIRST)


class Groups(LoadScopeScheduling):
    """Hands whole groups to workers; unlike with `--dist loadgroup`, tests keep the names by which they can be run."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
