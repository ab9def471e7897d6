"""The way from the engine's messages through the SDK to a rule, and back to a diagnostic."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, Severity
from pulumi_policy.policy import _PolicyAnalyzerServicer  # pyright: ignore[reportPrivateUsage]
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_STRING_VALUE, unknown_checking_proxy

import policies.rules
from policies.rules import imagebuilder, logs
from policies.rules.catalogue import RESOURCE_RULES, STACK_RULES
from policies.rules.enforcement import resource_policy, stack_policy
from policies.rules.rule import ResourceRule, StackRule
from policies.rules.values import UNKNOWN, entries, look_up, plain
from tests.policies.verdict import KEY

PACK = Path(__file__).parents[2] / "policies"
LEVEL = EnforcementLevel.MANDATORY
RULES: tuple[ResourceRule | StackRule, ...] = (*RESOURCE_RULES, *STACK_RULES)


def server() -> Any:
    """The SDK's own server over the whole pack, without its port."""
    policies = [resource_policy(rule, LEVEL) for rule in RESOURCE_RULES]
    stack_policies = [stack_policy(rule, LEVEL) for rule in STACK_RULES]
    return _PolicyAnalyzerServicer("tested", "0.0.1", [*policies, *stack_policies], EnforcementLevel.ADVISORY)


def analyze(kind: str, properties: dict[str, Any]) -> list[Any]:
    given = Struct()
    given.update(properties)
    options = analyzer_pb2.AnalyzerResourceOptions(protect=True)
    request = analyzer_pb2.AnalyzeRequest(type=kind, name="tested", urn="urn:tested", properties=given, options=options)
    return list(server().Analyze(request, None).diagnostics)


def analyze_stack(kind: str, properties: dict[str, Any]) -> list[Any]:
    given = Struct()
    given.update(properties)
    resource = analyzer_pb2.AnalyzerResource(type=kind, name="tested", urn="urn:tested", properties=given)
    request = analyzer_pb2.AnalyzeStackRequest(resources=[resource])
    return list(server().AnalyzeStack(request, None).diagnostics)


def test_a_violation_is_mandatory_and_names_rule_and_resource() -> None:
    (diagnostic,) = analyze(imagebuilder.COMPONENT, {"name": "ledger"})
    assert diagnostic.policyName == imagebuilder.require_component_key.name
    assert diagnostic.enforcementLevel == analyzer_pb2.MANDATORY
    assert "tested" in diagnostic.message


def test_an_unknown_value_gives_no_remark_in_place_of_a_verdict() -> None:
    assert analyze(imagebuilder.COMPONENT, {"kmsKeyId": UNKNOWN_STRING_VALUE}) == []


def test_an_unknown_value_hides_no_violation_beside_it() -> None:
    properties = {"kmsKeyId": UNKNOWN_STRING_VALUE, "retentionInDays": 30}
    (diagnostic,) = analyze(logs.LOG_GROUP, properties)
    assert diagnostic.policyName == logs.require_retention.name
    assert diagnostic.enforcementLevel == analyzer_pb2.MANDATORY


@pytest.mark.parametrize("kind", sorted({kind for rule in RESOURCE_RULES for kind in rule.types}))
def test_no_rule_is_weakened_by_a_resource_of_which_everything_is_unknown(kind: str) -> None:
    names = (
        "policy assumeRolePolicy inlinePolicies kmsKeyId kmsMasterKeyId kmsKeyArn blockDeviceMappings distributions "
        "instanceMetadataOptions subnetId securityGroupIds retentionInDays enableKeyRotation deletionWindowInDays "
        "deadLetterConfig principal sourceArn sourceAccount authorizationType ingress egress description group type "
        "cidrBlocks ipv6CidrBlocks cidrIpv4 cidrIpv6 encryptionConfiguration loggingConfiguration tracingConfiguration "
        "encrypted enabled state metadataOptions networkInterfaces associatePublicIpAddress userData userDataBase64 "
        "rootBlockDevice ebsBlockDevices granteePrincipal tracingConfig runtime packageType environment keyId dataType "
        "reservedConcurrentExecutions vpcConfig codeSigningConfigArn acl accessControlPolicy parentImage"
    )
    assert analyze(kind, dict.fromkeys(names.split(), UNKNOWN_STRING_VALUE)) == []


def test_the_final_state_is_checked_again_with_the_rules_name() -> None:
    (diagnostic,) = analyze_stack(imagebuilder.COMPONENT, {"name": "ledger"})
    assert diagnostic.enforcementLevel == analyzer_pb2.MANDATORY
    assert diagnostic.urn == "urn:tested"
    assert imagebuilder.require_component_key.name in diagnostic.message
    assert analyze_stack(imagebuilder.COMPONENT, {"kmsKeyId": KEY}) == []
    assert analyze_stack(imagebuilder.COMPONENT, {"kmsKeyId": UNKNOWN_STRING_VALUE}) == []


def test_every_rule_reaches_the_engine_at_level_mandatory() -> None:
    told = server().GetAnalyzerInfo(None, None).policies
    assert [policy.name for policy in told] == [rule.name for rule in RULES]
    assert {policy.enforcementLevel for policy in told} == {analyzer_pb2.MANDATORY}


def test_unknown_values_are_read_without_an_error_wherever_they_stand() -> None:
    properties = {"a": UNKNOWN_STRING_VALUE, "b": [1, UNKNOWN_STRING_VALUE, {"c": UNKNOWN_ARRAY_VALUE}], "d": None}
    assert plain(unknown_checking_proxy(properties)) == {"a": UNKNOWN, "b": [1, UNKNOWN, {"c": UNKNOWN}], "d": None}
    assert look_up({"a": UNKNOWN}, "a", "b", "c") is UNKNOWN
    assert look_up({"a": "text"}, "a", "b") is None
    assert (entries(UNKNOWN), entries(None)) == ([UNKNOWN], [])


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), JSON))
def test_known_values_are_read_as_they_are(properties: dict[str, Any]) -> None:
    assert plain(unknown_checking_proxy(properties)) == properties


def test_names_are_unique_and_say_service_resource_action_and_what() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    actions = {"require", "forbid", "enable", "block", "disable", "bind", "bound", "scope", "recheck"}
    for name in names:
        service, resource, action, *what = name.split("-")
        assert service.isalnum()
        assert resource.isalnum()
        assert action in actions
        assert what


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_carries_its_severity_its_controls_and_one_sentence(rule: ResourceRule | StackRule) -> None:
    assert isinstance(rule.severity, Severity)
    assert rule.controls
    assert len(set(rule.controls)) == len(rule.controls)
    assert rule.requirement.endswith(".")
    assert "  " not in rule.requirement


@pytest.mark.parametrize(
    ("control", "name"),
    [
        ("CKV_AWS_200", "imagebuilder-recipe-require-encrypted-volumes"),
        ("CKV_AWS_199", "imagebuilder-distribution-require-regional-keys"),
        ("CKV_AWS_180", "imagebuilder-component-require-customer-key"),
        ("CKV_AWS_7", "kms-key-enable-rotation"),
        ("CKV_AWS_33", "kms-key-forbid-public-principal"),
        ("S3.17", "s3-bucket-require-customer-key"),
        ("CKV_AWS_364", "lambda-permission-bind-source"),
        ("CloudWatch.16", "logs-group-require-retention"),
    ],
)
def test_a_control_is_answered_by_its_rule(control: str, name: str) -> None:
    assert name in [rule.name for rule in RULES if control in rule.controls]


def test_exposure_to_everybody_and_unencrypted_images_are_critical() -> None:
    critical = {rule.name for rule in RULES if rule.severity is Severity.CRITICAL}
    public = {rule.name for rule in RULES if "public" in rule.name or "world" in rule.name}
    assert public <= critical
    assert {imagebuilder.require_encrypted_volumes.name, imagebuilder.require_key_in_every_region.name} <= critical


def test_every_rule_of_a_module_is_in_the_catalogue() -> None:
    made = {
        value.name
        for module in pkgutil.iter_modules(policies.rules.__path__)
        for value in vars(importlib.import_module(f"policies.rules.{module.name}")).values()
        if isinstance(value, ResourceRule | StackRule)
    }
    assert made == {rule.name for rule in RULES}


def test_the_pack_imports_of_the_project_only_the_model_of_documents_and_prints_nothing() -> None:
    script = (
        f"import sys; sys.path[:0] = [{str(PACK)!r}]; import rules.catalogue, rules.enforcement; "
        "foreign = ('components', 'local', 'runtime', 'policies', 'pydantic'); "
        "bad = [n for n in sys.modules if n.split('.')[0] in foreign]; "
        "bad += [n for n in sys.modules if n.startswith('model.files')]; "
        "sys.exit(repr(bad) if bad else 0)"
    )
    answer = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, cwd="/")
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr


def test_the_pack_runs_in_the_projects_own_environment() -> None:
    project = yaml.safe_load((PACK.parent / "Pulumi.yaml").read_text(encoding="utf-8"))
    pack = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    named = PACK / pack["runtime"]["options"]["virtualenv"]
    assert named.resolve() == (PACK.parent / project["runtime"]["options"]["virtualenv"]).resolve()
