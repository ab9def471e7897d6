"""Onboarding a product: one file, right or not written at all."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.product import Facts, closing, compose, default_subnet, write
from commands.project import CommandError, landing_zone_of
from model.files.landing_zone import LandingZone
from model.files.loading import load_product, stack_path
from model.files.problems import FileError
from model.names import PRODUCT_NAME_PATTERN

PROJECT = Path(__file__).parent.parent.parent


def default(_what: str, value: str) -> str:
    return value


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "stacks", tmp_path / "stacks")
    return tmp_path


def test_a_name_alone_makes_a_file_that_loads(project: Path) -> None:
    landing_zone = landing_zone_of(project)
    path = write(project, compose(Facts(name="journal"), landing_zone, "subnet-00000001", default), landing_zone)
    product = load_product(path, landing_zone)
    assert product.plan(landing_zone).target_accounts == ("222222222222", "333333333333")
    assert [consumer.role for consumer in product.consumers] == ["journal-instances", "journal-instances"]
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=schemas/product.schema.json\n")


def test_what_is_not_given_is_asked_for(project: Path) -> None:
    asked: list[str] = []

    def answer(what: str, value: str) -> str:
        asked.append(what.partition(" ")[0])
        return value

    compose(Facts(name="journal", description="x", entry_script="a.sh"), landing_zone_of(project), "s", answer)
    assert asked == ["operating", "base", "subnet", "consumer"]


def test_a_team_of_an_account_that_is_not_ours_is_told_where_its_policy_is(project: Path) -> None:
    landing_zone = landing_zone_of(project)
    ours, foreign = (f"arn:aws:iam::{account}:role/team" for account in ("222222222222", "444444444444"))
    values = compose(Facts(name="journal", uploaders=(ours, foreign)), landing_zone, "subnet-00000001", default)
    write(project, values, landing_zone)
    told = [line for line in closing(project, "journal").splitlines() if "uploaderPolicy" in line]
    assert told == [f"{foreign} gets its policy from its own account: `pulumi stack output uploaderPolicy`"]


def test_a_windows_product_starts_from_windows(project: Path) -> None:
    values = compose(Facts(name="x", operating_system="windows"), landing_zone_of(project), "s", default)
    assert values["entryScript"] == "install.ps1"
    assert "ami-windows-latest" in values["baseImage"]["ssmParameter"]


def test_everything_wrong_is_told_at_once_and_nothing_is_written(project: Path) -> None:
    landing_zone = landing_zone_of(project)
    before = sorted(project.rglob("*"))
    facts = Facts(name="../Journal", operating_system="beos", subnet="here", consumers=("nowhere:role:make",))
    values = compose(facts, landing_zone, "", default)
    with pytest.raises(FileError) as caught:
        write(project, values, landing_zone)
    assert [problem.field for problem in caught.value.problems] == [
        "name",
        "operatingSystem",
        "subnet",
        "consumers.0.mode",
    ]
    assert sorted(project.rglob("*")) == before


def test_a_file_that_is_there_is_never_overwritten(project: Path) -> None:
    landing_zone = landing_zone_of(project)
    before = stack_path(project, "ledger").read_text(encoding="utf-8")
    with pytest.raises(CommandError, match="is there already"):
        write(project, compose(Facts(name="ledger"), landing_zone, "subnet-00000001", default), landing_zone)
    assert stack_path(project, "ledger").read_text(encoding="utf-8") == before


def test_a_consumer_that_is_not_three_parts_is_told(project: Path) -> None:
    with pytest.raises(CommandError, match="account:role:mode"):
        compose(Facts(name="x", consumers=("role",)), landing_zone_of(project), "s", default)


def test_the_subnet_of_the_other_products_is_offered(project: Path) -> None:
    assert default_subnet(project, landing_zone_of(project)) == "subnet-00000001"


def test_without_targets_the_image_stays_in_the_hub(project: Path) -> None:
    alone = landing_zone_of(project).model_copy(update={"targets": {}})
    values = compose(Facts(name="journal"), alone, "subnet-00000001", default)
    assert "distribution" not in values
    assert "consumers" not in values


@given(name=st.from_regex(PRODUCT_NAME_PATTERN, fullmatch=True).filter(lambda text: len(text) <= 24))
def test_every_allowed_name_makes_a_right_file(
    name: str, landing_zone: LandingZone, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = tmp_path_factory.mktemp("project")
    (project / "stacks").mkdir()
    write(project, compose(Facts(name=name), landing_zone, "subnet-00000001", default), landing_zone)
