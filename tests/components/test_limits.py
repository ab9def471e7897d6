"""Any valid product file's preview keeps AWS's limits: names, tags, policies, versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.files.landing_zone import LandingZone
from tests.components.aws_limits import broken_limits
from tests.model.files.generated_files import DRAWN, landing_zones, product_files
from tests.model.files.generated_project import write_project

Build = Callable[..., Any]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


def holds_for(project: Path, build: Build, targets: st.SearchStrategy[int], examples: int) -> None:
    @settings(DRAWN, max_examples=examples)
    @given(product_files(project, targets))
    def every_limit_is_kept(drawn: Any) -> None:
        found = build(drawn.product, drawn.landing_zone, project=project)
        assert broken_limits(found.resources) == []

    every_limit_is_kept()


def test_a_preview_of_any_product_file_keeps_the_limits_of_aws(product_resources: Build, project: Path) -> None:
    holds_for(project, product_resources, st.integers(0, 2), 2)


@pytest.mark.stack
def test_previews_of_many_product_files_keep_the_limits_of_aws(product_resources: Build, project: Path) -> None:
    holds_for(project, product_resources, st.sampled_from([0, 1, 2, 3, 12]), 25)


@settings(DRAWN, max_examples=2)
@given(landing_zones())
def test_a_preview_of_any_landing_zone_keeps_the_limits_of_aws(
    landing_zone_resources: Build, drawn: tuple[Any, LandingZone]
) -> None:
    assert broken_limits(landing_zone_resources(drawn[1]).resources) == []
