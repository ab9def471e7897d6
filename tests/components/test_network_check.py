"""A subnet without a way to the internet has what a build needs of AWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi_aws as aws
import pytest

from components.network_check import NEEDED_ENDPOINTS, check_network
from components.providers import account_providers
from model.files.landing_zone import LandingZone
from model.files.loading import StackFile
from model.files.problems import FileError
from model.files.product import Product
from tests.components.conftest import run

NONE = "invoke of aws:ec2/getVpcEndpoint:getVpcEndpoint failed: no matching EC2 VPC Endpoint found"
SEVERAL = "invoke of aws:ec2/getVpcEndpoint:getVpcEndpoint failed: multiple EC2 VPC Endpoints matched"


@pytest.fixture
def check(
    ledger: Product, landing_zone: LandingZone, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[tuple[str, str]]]:
    """Checks ledger in a VPC whose endpoints are answered by a function; returns what was looked for."""

    def look(answer: Callable[[str], str | None], internet: bool = False) -> list[tuple[str, str]]:
        asked: list[tuple[str, str]] = []

        def found(vpc_id: str, service_name: str, **_: Any) -> None:
            asked.append((vpc_id, service_name))
            if error := answer(service_name.rpartition(".")[2]):
                raise Exception(error)

        monkeypatch.setattr(aws.ec2, "get_vpc_endpoint", found)
        product = ledger.model_copy(update={"internet": internet})
        file = StackFile("stacks/Pulumi.ledger.yaml", {}, None)

        def program() -> None:
            hub = account_providers(landing_zone, "test", (landing_zone.hub.account,))[landing_zone.hub.account]
            check_network(product, "us-east-1", hub, file)

        run(program)
        return asked

    return look


def test_all_that_a_build_calls_is_looked_for_in_the_subnets_vpc(check: Callable[..., Any]) -> None:
    asked = check(lambda _service: None)
    assert asked == [("vpc-00000001", f"com.amazonaws.us-east-1.{service}") for service in NEEDED_ENDPOINTS]


def test_several_endpoints_of_a_service_are_as_good_as_one(check: Callable[..., Any]) -> None:
    assert len(check(lambda _service: SEVERAL)) == len(NEEDED_ENDPOINTS)


def test_everything_that_is_missing_is_told_at_once(check: Callable[..., Any]) -> None:
    with pytest.raises(FileError) as raised:
        check(lambda service: NONE if service in {"ssm", "logs"} else None)
    assert str(raised.value) == (
        "stacks/Pulumi.ledger.yaml: internet: the VPC vpc-00000001 of subnet-00000001 has no endpoint for "
        "com.amazonaws.us-east-1.logs, com.amazonaws.us-east-1.ssm, and a build there would wait for them in vain; "
        "make them, or remove internet"
    )


def test_a_refused_look_is_no_answer(check: Callable[..., Any]) -> None:
    with pytest.raises(Exception, match="UnauthorizedOperation"):
        check(lambda _service: "invoke failed: UnauthorizedOperation")


def test_with_a_way_to_the_internet_nothing_is_looked_for(check: Callable[..., Any]) -> None:
    assert check(lambda _service: NONE, internet=True) == []
