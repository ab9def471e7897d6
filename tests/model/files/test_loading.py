"""Product and landing-zone files: every kind of mistake, with its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from model.files.landing_zone import LandingZone
from model.files.loading import (
    StackFile,
    configured,
    load_landing_zone,
    load_product,
    stack_path,
    validate_product,
)
from model.files.problems import FileError, Problem

PROJECT = Path(__file__).parent.parent.parent.parent
LEDGER = stack_path(PROJECT, "ledger").read_text(encoding="utf-8")
LANDING_ZONE = stack_path(PROJECT, "landing-zone").read_text(encoding="utf-8")


def product_problems(tmp_path: Path, landing_zone: LandingZone, text: str) -> list[Problem]:
    path = tmp_path / "Pulumi.ledger.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as caught:
        load_product(path, landing_zone)
    return list(caught.value.problems)


def landing_zone_problems(tmp_path: Path, text: str) -> list[Problem]:
    path = tmp_path / "Pulumi.landing-zone.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as caught:
        load_landing_zone(path)
    return list(caught.value.problems)


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("before", "after", "field", "message"),
    [
        ("name: ledger", "name: Ledger", "name", "must match"),
        ("operatingSystem: linux", "operatingSystem: beos", "operatingSystem", "'linux' or 'windows', got 'beos'"),
        ("entryScript: install.sh", "entryScript: 5", "entryScript", "must be text, got the number 5; quote it"),
        ("entryScript: install.sh", "entryScript: install.ps1", "entryScript", "must end in '.sh'"),
        ("subnet: subnet-00000001", "subnet: vpc-1", "subnet", "got 'vpc-1'"),
        ("description: Hosts", "descripton: Hosts", "descripton", "is no field of this file"),
        ("region: eu-west-1", "region: eu-central-1", "distribution.1.region", "not one of the landing zone's Regions"),
        ("region: eu-west-1", "region: us-east-1", "distribution", "holds Region 'us-east-1' twice"),
        ("mode: existing", "mode: maybe", "consumers.1.mode", "'existing' or 'create', got 'maybe'"),
        ("account: workloads-test", "account: elsewhere", "consumers.1.account", "'elsewhere' gets no image"),
    ],
)
def test_a_mistake_is_reported_with_field_rule_value_and_line(
    tmp_path: Path, landing_zone: LandingZone, before: str, after: str, field: str, message: str
) -> None:
    text = LEDGER.replace(before, after)
    found = [problem for problem in product_problems(tmp_path, landing_zone, text) if problem.field == field]
    assert [message in problem.message for problem in found] == [True]
    expected = line_of(text, "distribution:") if field == "distribution" else line_of(text, after)
    assert found[0].line == expected
    assert str(found[0]).startswith(f"{tmp_path}/Pulumi.ledger.yaml:{expected}: {field}: ")


def test_a_missing_field_is_reported_at_the_mapping_that_lacks_it(tmp_path: Path, landing_zone: LandingZone) -> None:
    text = LEDGER.replace("    entryScript: install.sh\n", "")
    (problem,) = product_problems(tmp_path, landing_zone, text)
    assert (problem.field, problem.line) == ("entryScript", line_of(text, "golden-ami:product"))


def test_all_mistakes_are_reported_at_once(tmp_path: Path, landing_zone: LandingZone) -> None:
    text = LEDGER.replace("name: ledger", "name: 7").replace("subnet-00000001", "x").replace("mode: create", "mode: no")
    fields = [problem.field for problem in product_problems(tmp_path, landing_zone, text)]
    assert sorted(fields) == ["consumers.0.mode", "name", "subnet"]


def test_exactly_one_base_image_is_stated(tmp_path: Path, landing_zone: LandingZone) -> None:
    text = LEDGER.replace("      ssmParameter: /aws", "      amiId: ami-12345678\n      ssmParameter: /aws")
    (problem,) = product_problems(tmp_path, landing_zone, text)
    assert (problem.field, problem.message) == (
        "baseImage",
        "state exactly one of ssmParameter, amiId, product and newest",
    )


def test_an_account_that_is_stated_nowhere_is_named_with_the_known_ones(
    tmp_path: Path, landing_zone: LandingZone
) -> None:
    text = LEDGER.replace("[workloads-production, workloads-test]", "[nowhere, workloads-production, workloads-test]")
    messages = [problem.message for problem in product_problems(tmp_path, landing_zone, text)]
    assert len(messages) == 2
    assert "(workloads-production, workloads-test)" in messages[0]


def test_the_name_in_the_file_is_the_name_of_the_file(tmp_path: Path, landing_zone: LandingZone) -> None:
    (problem,) = product_problems(tmp_path, landing_zone, LEDGER.replace("name: ledger", "name: journal"))
    assert "call the file Pulumi.journal.yaml" in problem.message


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "not YAML"), ("- 1\n", "must be a mapping"), ("config:\n  golden-ami:other: 1\n", "is missing")],
)
def test_a_file_that_is_no_product_file_is_no_traceback(
    tmp_path: Path, landing_zone: LandingZone, text: str, message: str
) -> None:
    (problem,) = product_problems(tmp_path, landing_zone, text)
    assert message in problem.message


@pytest.mark.parametrize("value", ["ledger", "5", "[]"])
def test_one_value_where_the_files_fields_belong_is_no_traceback(landing_zone: LandingZone, value: str) -> None:
    file = StackFile.parse(f"config:\n  golden-ami:product: {value}\n", "Pulumi.ledger.yaml")
    with pytest.raises(
        FileError, match=r"Pulumi\.ledger\.yaml:2: config\.golden-ami:product: input should be an object"
    ):
        validate_product(configured(value), landing_zone, file)


def test_a_missing_file_says_how_to_write_one(tmp_path: Path, landing_zone: LandingZone) -> None:
    with pytest.raises(FileError, match="make product NAME="):
        load_product(tmp_path / "Pulumi.none.yaml", landing_zone)


@pytest.mark.parametrize(
    ("before", "after", "field", "message"),
    [
        ('account: "222222222222"', "account: 222222222222", "targets.workloads-production.account", "quote it"),
        ('account: "222222222222"', 'account: "333333333333"', "targets", "'333333333333' is stated twice"),
        ("regions: [us-east-1, eu-west-1]", "regions: [eu-west-1]", "regions", "hub's own Region 'us-east-1'"),
        ("workloads-test:", "hub:", "targets.hub", "stands for the hub account itself"),
        ("::111111111111:role", "::222222222222:role", "keyAdministrators.0", "not a role of the hub"),
    ],
)
def test_a_mistake_in_the_landing_zone_is_reported_with_its_place(
    tmp_path: Path, before: str, after: str, field: str, message: str
) -> None:
    (problem,) = landing_zone_problems(tmp_path, LANDING_ZONE.replace(before, after))
    assert problem.field == field
    assert message in problem.message
    assert problem.line > 1


def test_a_landing_zone_without_targets_keeps_images_in_the_hub(tmp_path: Path) -> None:
    content: Any = yaml.safe_load(LANDING_ZONE)
    del content["config"]["golden-ami:landingZone"]["targets"]
    path = tmp_path / "Pulumi.landing-zone.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    landing_zone = load_landing_zone(path)
    text = LEDGER[: LEDGER.index("    distribution:")]
    product_path = tmp_path / "Pulumi.ledger.yaml"
    product_path.write_text(text, encoding="utf-8")
    plan = load_product(product_path, landing_zone).plan(landing_zone)
    assert [plan.holders(target) for target in plan.regions] == [("111111111111",)]
    assert plan.target_accounts == ()
