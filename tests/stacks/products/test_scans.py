"""A product whose finished image is scanned: findings beyond what it allows fail it, ignored ones do not."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.build_following import BuildError
from local.environment import LocalFolder
from local.program_copy import copied_program
from tests.stacks.engine_runs import AT_ONCE, on_stack
from tests.stacks.world import World, prepared, subscribed

pytestmark = pytest.mark.stack

PRODUCT = "screened"
INSTALL = "mkdir -p /opt/screened/lib\nprintf 'not empty' > /opt/screened/lib/log4j-core-2.14.1.jar\n"
"""Of the library's three known vulnerabilities two are critical and one is medium."""

IGNORED = {"finding": "CVE-2021-44228", "reason": "lookups are switched off", "expires": "2999-12-31"}
EXPIRED = {"finding": "CVE-2021-45046", "reason": "lookups are switched off", "expires": "2021-12-31"}


class Screened:
    """The product's project, and what is edited of it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def write(self, *ignore: dict[str, str]) -> None:
        values = {
            "name": PRODUCT,
            "description": "Screens what it is made of",
            "operatingSystem": "linux",
            "baseImage": {"ssmParameter": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
            "entryScript": "install.sh",
            "scan": {"maximum": {"critical": 0, "medium": 5}, "ignore": list(ignore)},
        }
        file = yaml.safe_dump({"config": {"golden-ami:product": values}}, sort_keys=False)
        # As a person writes days: YAML knows them, and the engine hands them over in its own way.
        self.world.add_product(
            PRODUCT, file.replace("'2999-12-31'", "2999-12-31").replace("'2021-12-31'", "2021-12-31")
        )


@pytest.fixture(scope="module")
def screened(world: World, tmp_path_factory: pytest.TempPathFactory) -> Generator[Screened]:
    """A second project on the same cloud: no targets, Inspector in the hub, one product."""
    project = copied_program(tmp_path_factory.mktemp("screened") / "project")
    stacks = project / "stacks"
    zone: Any = yaml.safe_load((stacks / "Pulumi.landing-zone.yaml").read_text(encoding="utf-8"))
    shutil.rmtree(stacks)
    stacks.mkdir()
    values = zone["config"]["golden-ami:landingZone"]
    del values["targets"], values["mandatoryComponents"]
    values["inspector"] = True
    (stacks / "Pulumi.landing-zone.yaml").write_text(yaml.safe_dump(zone), encoding="utf-8")
    session = prepared(project, LocalFolder(project / ".local"), world.session.report, world.session.cloud)
    yield Screened(World(project, session, {}))
    # The hub's deployment role is the one of the first project again.
    prepared(world.project, world.session.folder, world.session.report, world.session.cloud)


def test_findings_fail_the_image_until_they_are_ignored(screened: Screened, tmp_path: Path) -> None:
    world = screened.world
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "install.sh").write_text(INSTALL)
    screened.write(IGNORED, EXPIRED)
    said = on_stack(world, PRODUCT, "preview", code=1)
    assert "scan: needs Amazon Inspector, and the hub has no role AWSServiceRoleForAmazonInspector2" in said
    assert "Traceback" not in said

    on_stack(world, "landing-zone", "up", *AT_ONCE)
    on_stack(world, PRODUCT, "up", *AT_ONCE)
    reports = subscribed(world, PRODUCT)
    with pytest.raises(BuildError, match=r"ScanRefused: 1 critical, 0 allowed"):
        world.image(PRODUCT, scripts).build()
    report = reports.receive("SCAN_FAILED")
    assert report["reason"] == "1 critical, 0 allowed"
    assert report["counts"] == {
        "critical": 1, "high": 0, "medium": 1, "low": 0, "informational": 0, "untriaged": 0,
    }  # fmt: skip
    assert [one["finding"] for one in report["findings"]] == [EXPIRED["finding"], "CVE-2021-45105"]
    assert report["findings"][0]["packages"] == ["log4j-core 2.14.1"]
    assert (report["ignored"], report["expired"]) == ([IGNORED], [EXPIRED])
    assert reports.receive("FAILED")["image"] == report["image"]
    kept = world.client("imagebuilder").list_image_scan_findings(
        filters=[{"name": "imageBuildVersionArn", "values": [report["image"]]}]
    )["findings"]
    assert {one["packageVulnerabilityDetails"]["vulnerabilityId"] for one in kept} == {
        IGNORED["finding"], EXPIRED["finding"], "CVE-2021-45105",
    }  # fmt: skip
    assert world.parameters(PRODUCT) == {}

    screened.write(IGNORED, {**EXPIRED, "expires": IGNORED["expires"]})
    on_stack(world, PRODUCT, "up", *AT_ONCE)
    assert world.image(PRODUCT, scripts).build().available
    report = reports.receive("SCAN_PASSED")
    assert [entry["finding"] for entry in report["ignored"]] == [IGNORED["finding"], EXPIRED["finding"]]
    assert (report["counts"]["critical"], report["expired"]) == (0, [])
