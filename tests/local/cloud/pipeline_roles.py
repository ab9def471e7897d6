"""The roles that a product's pipeline works with, made on a served cloud as the program's components make them."""

from __future__ import annotations

from model.distribution import DistributionPlan
from model.hub_policies import service_trust
from model.names import ProductNames, role_arn
from model.pipeline_policies import (
    INSTANCE_MANAGED_POLICIES,
    build_instance_policy,
    execution_policy,
    execution_role_trust,
)
from tests.local.cloud.served_cloud import ServedCloud


def make_infrastructure(cloud: ServedCloud, names: ProductNames, data_key: str) -> str:
    """ARN of a new infrastructure configuration, with the build instance's role and profile."""
    iam, role = cloud.client("iam"), names.instance_role
    trust = service_trust("AssumedByInstances", "ec2.amazonaws.com").json()
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    for arn in INSTANCE_MANAGED_POLICIES:
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    policy = build_instance_policy(names, data_key).json()
    iam.put_role_policy(RoleName=role, PolicyName="read-pinned-build", PolicyDocument=policy)
    iam.create_instance_profile(InstanceProfileName=role)
    iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
    images = cloud.client("imagebuilder")
    made = images.create_infrastructure_configuration(name=names.stem, instanceProfileName=role)
    return made["infrastructureConfigurationArn"]


def make_execution_role(
    cloud: ServedCloud, names: ProductNames, plan: DistributionPlan, image_keys: tuple[str, ...]
) -> str:
    """ARN of a new execution role; `image_keys` are ARNs."""
    iam, role = cloud.client("iam"), names.execution_role
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=execution_role_trust(names.account).json())
    policy = execution_policy(names, plan, image_keys).json()
    iam.put_role_policy(RoleName=role, PolicyName="build-and-distribute", PolicyDocument=policy)
    return role_arn(names.account, role)
