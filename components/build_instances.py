"""What a product's image is built on: instances with a role, a network and nothing more than they need."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.files.infrastructure import Egress
from model.files.product import Product
from model.hub_policies import service_trust
from model.names import TAG_PRODUCT, ProductNames, role_name
from model.pipeline_policies import INSTANCE_MANAGED_POLICIES, build_instance_policy, log_writer_policy

RoleAndProfile = tuple[pulumi.Input[str], pulumi.Input[str], list[pulumi.Resource]]
"""Names of a role and its instance profile, and what must be there before they are used."""


class BuildInstancesArgs(ComponentArgs):
    """A product, and the key of its scripts."""

    names: ProductNames
    product: Product
    data_key_arn: pulumi.Output[str]


class BuildInstances(pulumi.ComponentResource):
    """The infrastructure configuration, with role, instance profile and security group."""

    configuration_arn: pulumi.Output[str]

    def __init__(self, name: str, args: BuildInstancesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:build:BuildInstances", name, None, opts)
        product, names = args.product, args.names
        role, profile, attached = self._given(names) if product.instance_profile else self._made(name, names)
        policies = [*attached, *self._policies(name, args, role)]
        subnet = product.subnet or self._default_subnet()
        groups = list(product.security_groups) or [self._security_group(name, args, subnet)]
        configuration = aws.imagebuilder.InfrastructureConfiguration(
            f"{name}-infrastructure",
            name=names.stem,
            description=product.description,
            instance_profile_name=profile,
            instance_types=list(product.build_instance_types),
            subnet_id=subnet,
            security_group_ids=groups,
            instance_metadata_options=aws.imagebuilder.InfrastructureConfigurationInstanceMetadataOptionsArgs(
                http_tokens="required", http_put_response_hop_limit=1
            ),
            logging=self._logging(args),
            terminate_instance_on_failure=product.terminate_on_failure,
            resource_tags={**product.tags, TAG_PRODUCT: names.product},
            opts=ResourceOptions(parent=self, depends_on=policies),
        )
        self.configuration_arn = configuration.arn
        self.register_outputs({"configurationArn": self.configuration_arn})

    @staticmethod
    def _given(names: ProductNames) -> RoleAndProfile:
        return role_name(names.instance_role), names.instance_profile, []

    def _made(self, name: str, names: ProductNames) -> RoleAndProfile:
        mine = ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=names.instance_role,
            description=f"Build instances of {names.product}",
            assume_role_policy=service_trust("AssumedByInstances", "ec2.amazonaws.com").json(),
            opts=mine,
        )
        attached: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(f"{name}-{arn.rsplit('/', 1)[-1]}", role=role.name, policy_arn=arn, opts=mine)
            for arn in INSTANCE_MANAGED_POLICIES
        ]
        profile = aws.iam.InstanceProfile(f"{name}-profile", name=names.instance_profile, role=role.name, opts=mine)
        return role.name, profile.name, attached

    def _policies(self, name: str, args: BuildInstancesArgs, role: pulumi.Input[str]) -> list[pulumi.Resource]:
        names, logs, mine = args.names, args.product.build_logs, ResourceOptions(parent=self)
        # Several products may share a role that is given.
        prefix = f"{names.stem}-" if args.product.instance_profile else ""
        policies: list[pulumi.Resource] = [
            aws.iam.RolePolicy(
                f"{name}-policy",
                name=f"{prefix}read-pinned-build",
                role=role,
                policy=args.data_key_arn.apply(lambda arn: build_instance_policy(names, arn).json()),
                opts=mine,
            )
        ]
        if logs:
            policy = log_writer_policy(names, logs.bucket, logs.key).json()
            called = f"{prefix}write-build-logs"
            policies.append(aws.iam.RolePolicy(f"{name}-logs", name=called, role=role, policy=policy, opts=mine))
        return policies

    def _default_subnet(self) -> pulumi.Output[str]:
        """The first of the default VPC's default subnets, one in each Availability Zone."""
        found = aws.ec2.get_subnets_output(
            filters=[aws.ec2.GetSubnetsFilterArgs(name="default-for-az", values=["true"])],
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        return found.ids.apply(lambda ids: _first_of(ids))

    def _security_group(self, name: str, args: BuildInstancesArgs, subnet: pulumi.Input[str]) -> pulumi.Output[str]:
        names = args.names
        found = aws.ec2.get_subnet_output(id=subnet, opts=pulumi.InvokeOutputOptions(parent=self))
        group = aws.ec2.SecurityGroup(
            f"{name}-security-group",
            name=f"{names.stem}-build",
            description=f"Build instances of {names.product}: nothing comes in",
            vpc_id=found.vpc_id,
            opts=ResourceOptions(parent=self),
        )
        for egress in args.product.egress:
            self._egress(f"{name}-egress-{egress.cidr or egress.prefix_list}-{egress.port}", group, egress)
        return group.id

    def _egress(self, name: str, group: aws.ec2.SecurityGroup, egress: Egress) -> None:
        aws.vpc.SecurityGroupEgressRule(
            name,
            security_group_id=group.id,
            description=egress.description,
            ip_protocol="tcp",
            from_port=egress.port,
            to_port=egress.port,
            cidr_ipv4=egress.cidr,
            prefix_list_id=egress.prefix_list,
            opts=ResourceOptions(parent=self),
        )

    @staticmethod
    def _logging(args: BuildInstancesArgs) -> aws.imagebuilder.InfrastructureConfigurationLoggingArgs | None:
        logs = args.product.build_logs
        if logs is None:
            return None
        return aws.imagebuilder.InfrastructureConfigurationLoggingArgs(
            s3_logs=aws.imagebuilder.InfrastructureConfigurationLoggingS3LogsArgs(
                s3_bucket_name=logs.bucket, s3_key_prefix=args.names.stem
            )
        )


def _first_of(subnets: list[str]) -> str:
    if not subnets:
        raise pulumi.RunError("the hub's build Region has no default subnet; state a subnet in the product's file")
    return sorted(subnets)[0]
