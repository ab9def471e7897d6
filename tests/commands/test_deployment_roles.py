"""Deployment roles: every account's, from the files."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from commands.deployment_roles import MANAGED_POLICY_MAXIMUM, deployment_roles, main
from commands.project import landing_zone_of, product_of
from model.deployment_role import hub_deployment_policy
from model.distribution import DistributionPlan
from model.documents import Statement
from model.files.base_image import BaseImage
from model.files.infrastructure import InstanceProfile
from model.files.loading import PRODUCT_KEY, stack_path

PROJECT = Path(__file__).parent.parent.parent


def test_each_account_gets_a_role_that_trusts_the_hub() -> None:
    roles = list(deployment_roles(PROJECT))
    assert [role.account for role in roles] == ["111111111111", "222222222222", "333333333333"]
    for role in roles:
        assert role.trust.as_dict()["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}


def test_its_permissions_are_printed_as_managed_policies_that_keep_awss_limit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main()
    printed = capsys.readouterr().out
    documents = [json.loads(text) for text in re.findall(r"--policy-document '(.*?)'", printed, re.DOTALL)]
    stated = [statement for document in documents for statement in document["Statement"]]
    roles = list(deployment_roles(PROJECT))
    assert stated == [one for role in roles for one in role.permissions.as_dict()["Statement"]]
    assert all(len(json.dumps(document, separators=(",", ":"))) <= MANAGED_POLICY_MAXIMUM for document in documents)
    assert len(documents) > len(roles)
    attached = re.findall(r"attach-role-policy --role-name golden-ami-deployment --policy-arn (\S+)", printed)
    assert attached[:2] == [f"arn:aws:iam::111111111111:policy/golden-ami-deployment-{number}" for number in (1, 2)]
    assert len(attached) == len(documents)


def test_a_target_names_its_own_consumer_roles_only() -> None:
    text = {role.account: role.permissions.json() for role in deployment_roles(PROJECT)}
    assert "role/ledger-instances" in text["222222222222"]
    assert "ledger-runtime" not in text["222222222222"]
    assert "role/application/ledger-runtime" in text["333333333333"]


def test_nothing_is_written_to_all_resources_but_what_has_no_resource_level() -> None:
    for role in deployment_roles(PROJECT):
        for statement in role.permissions.statements:
            if statement.resources == ("*",):
                assert statement.sid in {
                    "CreateKeys",
                    "FindAlarms",
                    "FindVersions",
                    "ManageSubscriptions",
                    "ReadImages",
                    "ReadNetwork",
                }


def test_the_hubs_role_hands_given_roles_to_their_services_and_reads_the_parameter_of_a_base() -> None:
    landing_zone = landing_zone_of(PROJECT)
    product, _, _ = product_of(PROJECT, "payroll")
    changed = {
        "instance_profile": InstanceProfile(name="builders", role="teams/builder"),
        "execution_role": "runner",
        "base_image": BaseImage.model_validate({"ssmParameter": "/own/base"}),
    }

    def policy(plan: DistributionPlan) -> dict[str, Statement]:
        region, regions = landing_zone.hub.region, landing_zone.regions
        document = hub_deployment_policy(landing_zone.hub.account, region, regions, (plan,))
        return {statement.sid: statement for statement in document.statements}

    given = policy(product.model_copy(update=changed).plan(landing_zone))
    builder, runner = (f"arn:aws:iam::111111111111:role/{name}" for name in ("teams/builder", "runner"))
    assert given["PassGivenInstanceRoles"].resources == (builder,)
    assert given["PassGivenExecutionRoles"].resources == (runner,)
    assert given["AddPolicyToRoles"].resources == (builder, runner)
    parameters = given["ReadBaseImages"].resources
    assert parameters[1:] == ("arn:aws:ssm:us-east-1:111111111111:parameter/own/base",)
    left_out = policy(product.plan(landing_zone))
    assert not {"PassGivenInstanceRoles", "PassGivenExecutionRoles", "AddPolicyToRoles"} & set(left_out)
    assert len(left_out["ReadBaseImages"].resources) == 1


def test_the_hub_reads_documents_in_buckets_that_products_name_and_no_others(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "stacks", tmp_path / "stacks")

    def documents() -> list[tuple[str, ...]]:
        hub = next(iter(deployment_roles(tmp_path)))
        return [one.resources for one in hub.permissions.statements if one.sid == "ReadBucketDocuments"]

    assert documents() == []
    path = stack_path(tmp_path, "ledger")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["config"][PRODUCT_KEY] |= {
        "componentBucket": {"name": "documents", "prefix": "linux/"},
        "components": {"build": [{"bucketDocument": "agent.yaml"}]},
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert documents() == [("arn:aws:s3:::documents/linux/*",)]
