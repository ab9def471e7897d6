"""Every subset of five targets refuses an image: the others get it, and a retry completes it without a build."""

from collections.abc import Iterator
from typing import Any

import pytest

from runtime.functions.build_state import Run
from tests.local.cloud.image_builder.five_targets import TARGETS, FiveTargets, set_up
from tests.local.cloud.image_builder.refusals import REFUSALS, Cause, Refusing, every_subset, refusing
from tests.local.cloud.served_cloud import AWAY, ServedCloud, serving

SUBSETS = every_subset()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with serving(tmp_path_factory.mktemp("cloud")) as served:
        yield served


@pytest.fixture(scope="module")
def targets(cloud: ServedCloud) -> FiveTargets:
    return set_up(cloud)


def start(targets: FiveTargets, name: str) -> str:
    """A new build; its instance, AMI and image resource are the only ones that it may ever make."""
    return targets.runs.start(Run(name, name, name, 0))


def retry(targets: FiveTargets, arn: str) -> dict[str, Any]:
    """The image after another pass of its distribution."""
    targets.runs.retry(arn)
    return targets.ended(arn)


def title(causes: Refusing) -> str:
    return "+".join(f"{account[0]}:{cause.name}" for account, cause in causes.items()) or "nobody"


def expect_failures(image: dict[str, Any], causes: Refusing) -> None:
    """The image says once for each refusing target where and why it was refused, and names no other."""
    assert image["state"]["status"] == "FAILED"
    failures = image["state"]["failureContext"]["distributionFailure"]["regionFailures"]
    assert [failure["targetAccountId"] for failure in failures] == list(causes)
    for failure, cause in zip(failures, causes.values(), strict=True):
        expected = REFUSALS[cause]
        assert (failure["region"], failure["status"]) == (AWAY, "FAILED")
        assert failure["imageConfigurationStep"] == expected.step
        assert failure["errorMessage"].startswith(expected.reason), (cause, failure)


@pytest.mark.parametrize("causes", SUBSETS, ids=title)
def test_healthy_targets_get_the_image_and_refusing_ones_by_a_retry_without_a_build(
    targets: FiveTargets, causes: Refusing
) -> None:
    before, (instances, amis, images) = targets.parameters(), targets.made()
    with refusing(targets, causes):
        arn = start(targets, title(causes))
        image = targets.ended(arn)
        made, copies, parameters = targets.made(), targets.copies(arn), targets.parameters()
        assert [len(new - old) for new, old in zip(made, (instances, amis, images), strict=True)] == [1, 1, 1]
        has_copy = {account: account not in causes or REFUSALS[causes[account]].copied for account in TARGETS}
        assert {account: len(copies[account]) for account in TARGETS} == has_copy
        for account in TARGETS:
            expected = before.get(account) if account in causes else copies[account][0]
            assert parameters.get(account) == expected, account
        if not causes:
            assert image["state"] == {"status": "AVAILABLE"}
            return
        expect_failures(image, causes)
        if len(causes) == 1:
            # A retry that is refused again changes nothing.
            expect_failures(retry(targets, arn), causes)
            assert (targets.made(), targets.copies(arn), targets.parameters()) == (made, copies, parameters)
    image = retry(targets, arn)
    assert image["state"] == {"status": "AVAILABLE"}
    complete = targets.copies(arn)
    assert {account: complete[account] for account in TARGETS if has_copy[account]} == {
        account: copies[account] for account in TARGETS if has_copy[account]
    }
    assert {account: [value] for account, value in targets.parameters().items()} == complete
    assert {output["accountId"]: [output["image"]] for output in image["outputResources"]["amis"]} == complete
    assert targets.made() == made


def test_every_subset_refuses_once_and_every_target_for_every_cause() -> None:
    assert len(SUBSETS) == len({frozenset(causes) for causes in SUBSETS}) == 2 ** len(TARGETS)
    for account in TARGETS:
        assert {causes[account] for causes in SUBSETS if account in causes} == set(Cause)
