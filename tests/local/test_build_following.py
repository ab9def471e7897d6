from __future__ import annotations

from typing import Any

import pytest

from local.build_following import START_SECONDS, BuildError, Pipeline
from model.names import TAG_MANIFEST


class Builds:
    """Image Builder's list of a pipeline's images, two a page; an image comes with the question it is due at."""

    def __init__(self) -> None:
        self.asked = 0
        self._images: list[tuple[int, dict[str, Any]]] = []

    def add(self, arn: str, manifest: str, date: str = "2026-01-01", *, after: int = 0) -> None:
        self._images.append((after, {"arn": arn, "tags": {TAG_MANIFEST: manifest}, "dateCreated": date}))

    def list_image_pipeline_images(self, *, imagePipelineArn: str, nextToken: str = "0") -> dict[str, Any]:
        self.asked += 1
        there = [image for due, image in self._images if due < self.asked]
        start = int(nextToken)
        page: dict[str, Any] = {"imageSummaryList": there[start : start + 2]}
        return {**page, "nextToken": str(start + 2)} if start + 2 < len(there) else page


@pytest.fixture
def builds() -> Builds:
    return Builds()


def _pipeline(builds: Any) -> Pipeline:
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    return Pipeline("arn:pipeline", builds, wait, lambda: now[0])


def test_the_image_of_the_uploaded_scripts_is_found_as_soon_as_it_is_there(builds: Builds) -> None:
    builds.add("arn:mine", "m", after=3)
    assert _pipeline(builds).started("m") == "arn:mine"
    assert builds.asked == 4


def test_an_image_of_other_scripts_is_not_taken_for_this_one(builds: Builds) -> None:
    for number in range(5):
        builds.add(f"arn:{number}", f"other-{number}", "2026-01-02")
    builds.add("arn:mine", "m")
    assert _pipeline(builds).started("m") == "arn:mine"


def test_of_several_attempts_the_newest_counts(builds: Builds) -> None:
    builds.add("arn:new", "m", "2026-01-03")
    builds.add("arn:old", "m", "2026-01-01")
    image = _pipeline(builds).image_of("m")
    assert image is not None
    assert image.get("arn") == "arn:new"


def test_an_earlier_failure_is_passed_over_for_the_new_attempt(builds: Builds) -> None:
    builds.add("arn:1", "m", "2026-01-01")
    builds.add("arn:2", "m", "2026-01-02", after=4)
    assert _pipeline(builds).started("m", ignore="arn:1") == "arn:2"


def test_an_upload_that_starts_nothing_is_told(builds: Builds) -> None:
    builds.add("arn:1", "m")
    with pytest.raises(BuildError, match=f"started no build in {START_SECONDS:.0f} s"):
        _pipeline(builds).started("m", ignore="arn:1")
