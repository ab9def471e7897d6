"""The line of the file that decided what breaks a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import Policy, _PolicyAnalyzerServicer  # pyright: ignore[reportPrivateUsage]
from pydantic import BaseModel

from model.files.landing_zone import LandingZone
from model.files.product import Product
from policies.rules import imagebuilder
from policies.rules.catalogue import RESOURCE_RULES, STACK_RULES, recheck_state
from policies.rules.configuration import Configuration
from policies.rules.enforcement import resource_policy, stack_policy
from policies.rules.judgement import judgements
from policies.rules.remediation import NO_FILES, StackFiles, read_stack_files
from policies.rules.rule import Resource, ResourceRule, StackRule

LEDGER = """\
# hosts of the ledger
config:
  golden-ami:product:
    name: ledger
    distribution:
      - region: us-east-1
        accounts: [stranger]
    scan: {maximum: {critical: 0}}
"""
LANDING_ZONE = """\
config:
  golden-ami:landingZone:
    hub: {account: "111111111111"}
    tags:
      owner: cloud-platform@example.com
"""
FILES = StackFiles({"ledger": LEDGER, "landing-zone": LANDING_ZONE})
RULES: tuple[ResourceRule | StackRule, ...] = (*RESOURCE_RULES, *STACK_RULES)
PACK = Path(__file__).parents[2] / "policies"


def urn(stack: str = "ledger", project: str = "golden-ami") -> str:
    return f"urn:pulumi:{stack}::{project}::{imagebuilder.DISTRIBUTION}::distribution"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("product.distribution", " (stacks/Pulumi.ledger.yaml:5, distribution)"),
        ("product.scan.maximum", " (stacks/Pulumi.ledger.yaml:8, scan.maximum)"),
        ("product.egress", " (stacks/Pulumi.ledger.yaml:3, egress)"),
        ("product.scan.exceptions", " (stacks/Pulumi.ledger.yaml:8, scan.exceptions)"),
        ("landingZone.tags", " (stacks/Pulumi.landing-zone.yaml:4, tags)"),
        ("landingZone.targets", " (stacks/Pulumi.landing-zone.yaml:2, targets)"),
        ("", ""),
    ],
)
def test_a_field_has_its_line_or_that_of_the_nearest_part_around_it(path: str, place: str) -> None:
    assert FILES.place(path, urn()) == place


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("product.distribution", urn("payroll")),
        ("product.distribution", urn("landing-zone")),
        ("product.distribution", urn(project="shop")),
        ("landingZone.tags", urn(project="shop")),
        ("product.distribution", "urn:tested"),
        ("product.distribution", ""),
    ],
)
def test_where_no_file_decides_no_line_is_told(path: str, origin: str) -> None:
    assert FILES.place(path, origin) == ""
    assert NO_FILES.place(path, origin) == ""


def test_a_file_that_is_no_yaml_has_no_lines() -> None:
    assert StackFiles({"ledger": "config: ["}).place("product.distribution", urn()) == ""


def test_the_files_beside_the_pack_are_read(tmp_path: Path) -> None:
    pack = tmp_path / "policies"
    assert read_stack_files(pack) == NO_FILES
    (tmp_path / "stacks").mkdir()
    for stack, text in FILES.texts.items():
        (tmp_path / "stacks" / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
    assert read_stack_files(pack) == FILES
    (tmp_path / "stacks" / "Pulumi.ledger.yaml").write_bytes(b"\xff")
    assert read_stack_files(pack) == NO_FILES


BARE = {"distributions": [{"region": "us-east-1"}]}
SAID = (
    "Region us-east-1 has no customer key; set kms_key_id to the ARN of its own key. "
    "(stacks/Pulumi.ledger.yaml:5, distribution)"
)


def test_the_audit_names_the_line() -> None:
    bare = Resource(imagebuilder.DISTRIBUTION, "distribution", BARE, urn())
    (found,) = judgements((bare,), Configuration(), files=FILES).violations
    assert found.message == f"distribution ({imagebuilder.require_key_in_every_region.name}): {SAID}"
    (found,) = judgements((bare,), Configuration()).violations
    assert "Pulumi.ledger.yaml" not in found.message


def test_the_engine_is_told_the_same() -> None:
    properties = Struct()
    properties.update(BARE)
    stated: dict[str, Any] = {
        "type": imagebuilder.DISTRIBUTION,
        "name": "distribution",
        "urn": urn(),
        "properties": properties,
    }
    policies: list[Policy] = [
        resource_policy(imagebuilder.require_key_in_every_region, EnforcementLevel.MANDATORY, files=FILES),
        stack_policy(recheck_state, EnforcementLevel.MANDATORY, files=FILES),
    ]
    server = _PolicyAnalyzerServicer("tested", "0.0.1", policies, EnforcementLevel.ADVISORY)
    (single,) = server.Analyze(analyzer_pb2.AnalyzeRequest(**stated), None).diagnostics
    assert single.message.endswith(f"distribution: {SAID}")
    whole = analyzer_pb2.AnalyzeStackRequest(resources=[analyzer_pb2.AnalyzerResource(**stated)])
    (again,) = server.AnalyzeStack(whole, None).diagnostics
    assert again.message.endswith(f"distribution ({imagebuilder.require_key_in_every_region.name}): {SAID}")


def field_of(model: type[BaseModel], path: tuple[str, ...]) -> Any:
    first, *rest = path
    (stated,) = [each for each in model.model_fields.values() if each.alias == first]
    inner = [each for each in (stated.annotation, *get_args(stated.annotation)) if isinstance(each, type)]
    return field_of(next(each for each in inner if issubclass(each, BaseModel)), tuple(rest)) if rest else stated


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.field], ids=lambda rule: rule.name)
def test_the_field_of_a_rule_is_one_of_the_files(rule: ResourceRule | StackRule) -> None:
    key, *path = rule.field.split(".")
    assert field_of({"product": Product, "landingZone": LandingZone}[key], tuple(path))


def test_the_examples_have_a_line_for_every_rule_that_names_a_field() -> None:
    files = read_stack_files(PACK)
    project = yaml.safe_load((PACK.parent / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    assert {"ledger", "payroll", "landing-zone"} <= files.texts.keys()
    assert [rule.name for rule in RULES if rule.field and not files.place(rule.field, urn("ledger", project))] == []
    assert len([rule for rule in RULES if rule.field]) > 10
