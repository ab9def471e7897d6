"""Both examples on the local cloud, from upload to launch, and what a second time does."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.build_following import BuildError
from local.environment import REPOSITORY
from local.program_copy import PROGRAM

pytestmark = pytest.mark.stack

PLACES = {(account, region) for account in ("222222222222", "333333333333") for region in ("us-east-1", "eu-west-1")}


@pytest.mark.parametrize("product", ["ledger", "payroll"])
def test_an_upload_reaches_every_target_and_every_consumer_launches(
    request: pytest.FixtureRequest, world: Any, product: str
) -> None:
    done = request.getfixturevalue(f"{product}_image")
    assert {(copy.account, copy.region) for copy in done.image.copies} >= PLACES
    assert {(row.account, row.region) for row in done.rows if row.role} == PLACES
    assert [row.launched for row in done.rows if row.role] == ["yes"] * 4
    for row in done.rows:
        assert row.key.startswith(f"arn:aws:kms:{row.region}:111111111111:key/mrk-")
    copies = {(copy.account, copy.region): copy.ami for copy in done.image.copies}
    assert world.parameters(product) == {place: copies[place] for place in PLACES}


def test_success_is_reported_with_product_script_version_and_amis(ledger_image: Any, world: Any) -> None:
    report = ledger_image.reports.receive("AVAILABLE", "FAILED")
    versions = world.client("s3").list_object_versions(
        Bucket="golden-ami-ledger-111111111111-us-east-1", Prefix="scripts/install.sh"
    )["Versions"]
    assert (report["product"], report["status"], report["reason"]) == ("ledger", "AVAILABLE", None)
    assert report["scriptVersionId"] == versions[-1]["VersionId"]
    assert {ami["id"] for ami in report["amis"]} == {copy.ami for copy in ledger_image.image.copies}


def test_two_products_live_in_the_same_target_account(ledger_image: Any, payroll_image: Any, world: Any) -> None:
    found = {row.ami for row in ledger_image.rows} & {row.ami for row in payroll_image.rows}
    assert found == set()
    assert world.amis("ledger").isdisjoint(world.amis("payroll"))


def test_a_second_up_changes_nothing(world: Any, ledger_image: Any) -> None:
    for stack in ("landing-zone", "ledger"):
        update = world.up(stack)
        assert not update.changed, f"{stack}: {update}"


def test_the_project_stays_as_it_is_outside_its_ignored_folder(world: Any, ledger_image: Any) -> None:
    for name in PROGRAM:
        before, after = REPOSITORY / name, world.project / name
        changed = subprocess.run(["diff", "-r", "-x", "__pycache__", before, after], capture_output=True, text=True)
        assert changed.stdout == ""
    assert {entry.name for entry in world.project.iterdir()} == {*PROGRAM, ".local"}


def test_a_new_script_makes_a_new_image_and_moves_the_parameters(world: Any, ledger_image: Any, tmp_path: Path) -> None:
    before = world.parameters("ledger")
    scripts = world.scripts("ledger", tmp_path / "scripts", install_sh="echo second > /opt/second\n")
    image = world.image("ledger", scripts).build()
    after = world.parameters("ledger")
    assert set(after) == PLACES
    assert set(after.values()).isdisjoint(before.values())
    assert set(after.values()) <= {copy.ami for copy in image.copies}
    assert ledger_image.reports.receive("AVAILABLE", "FAILED")["status"] == "AVAILABLE"


def test_a_script_that_fails_makes_no_image_and_moves_nothing(world: Any, ledger_image: Any, tmp_path: Path) -> None:
    amis, parameters = world.amis("ledger"), world.parameters("ledger")
    scripts = world.scripts("ledger", tmp_path / "scripts", install_sh="echo about to fail\nexit 3\n")
    with pytest.raises(BuildError, match="exit code 3"):
        world.image("ledger", scripts).build()
    assert (world.amis("ledger"), world.parameters("ledger")) == (amis, parameters)
    report = ledger_image.reports.receive("AVAILABLE", "FAILED")
    assert (report["status"], report["amis"]) == ("FAILED", [])
    assert "exit code 3" in report["reason"]


def test_a_tampered_build_makes_no_image(world: Any, ledger_image: Any, tmp_path: Path) -> None:
    """Only the start function may write what a build reads; the component's own check is held by its unit tests."""
    engineer = world.session.person("product-engineer", "111111111111").s3("us-east-1")
    with pytest.raises(engineer.exceptions.ClientError, match="explicit deny in a resource-based policy"):
        engineer.put_object(
            Bucket="golden-ami-ledger-111111111111-us-east-1", Key="builds/current/files/install.sh", Body=b"echo"
        )
