"""Rules for EC2 Image Builder: what comes out of a pipeline is encrypted under the product's key, everywhere."""

from __future__ import annotations

import re

from pulumi_policy import Severity

from .conditions import account_in
from .configuration import Configuration
from .rule import Resource, configured_resource_rule, resource_rule
from .values import (
    UNKNOWN,
    Finding,
    Findings,
    entries,
    is_given,
    is_key_arn,
    is_known_list,
    is_true,
    key_region,
    look_up,
    require,
)

RECIPE = "aws:imagebuilder/imageRecipe:ImageRecipe"
DISTRIBUTION = "aws:imagebuilder/distributionConfiguration:DistributionConfiguration"
COMPONENT = "aws:imagebuilder/component:Component"
WORKFLOW = "aws:imagebuilder/workflow:Workflow"
INFRASTRUCTURE = "aws:imagebuilder/infrastructureConfiguration:InfrastructureConfiguration"

AWS_OWNERS = ("amazon", "aws-marketplace")
"""Aliases of EC2's for accounts of AWS's own (API Reference, Image, ImageOwnerAlias)."""

OWNER_TAG = "golden-ami:base-owner"
"""In which a recipe says whose the AMI is that it starts from; the id alone says nothing of that."""

_AMI = re.compile(r"ami-[0-9a-f]+")
_AWS_IMAGE = re.compile(r"arn:aws[a-z-]*:imagebuilder:[a-z0-9-]+:aws(-marketplace)?:image/.+")
_IMAGE = re.compile(r"arn:aws[a-z-]*:imagebuilder:[a-z0-9-]+:\d{12}:image/.+")
_MARKETPLACE_PRODUCT = re.compile(r"prod-[a-z0-9]+")
_AWS_PARAMETER = re.compile(r"ssm:(arn:aws[a-z-]*:ssm:[a-z0-9-]+::parameter)?/aws/service/.+")
_PARAMETER_ARN = re.compile(r"ssm:arn:aws[a-z-]*:ssm:[a-z0-9-]+:\d{12}:parameter/.+")
_PARAMETER = re.compile(r"ssm:(?!arn:).+")
_ACCOUNT = re.compile(r"\d{12}")


@resource_rule("imagebuilder-recipe-require-encrypted-volumes", Severity.CRITICAL, ("CKV_AWS_200", "EC2.7"), (RECIPE,))
def require_encrypted_volumes(recipe: Resource) -> Findings:
    """Every volume of an image is listed in its recipe and encrypted under a customer key by its full ARN.

    A volume that no mapping lists comes from the base image as it is there: not encrypted.
    """
    mappings = look_up(recipe.properties, "blockDeviceMappings")
    volumes = [mapping for mapping in entries(mappings) if not is_true(look_up(mapping, "noDevice"))]
    if not volumes:
        yield Finding("the recipe lists no volume; list the root volume in block_device_mappings.")
    for volume in volumes:
        device = look_up(volume, "deviceName")
        where = f"volume {device}" if isinstance(device, str) else "a volume"
        yield from require(
            look_up(volume, "ebs", "encrypted"), is_true, f'{where} is not encrypted; set ebs.encrypted to "true".'
        )
        yield from require(
            look_up(volume, "ebs", "kmsKeyId"),
            is_key_arn,
            f"{where} names no customer key; set ebs.kms_key_id to the full ARN of the build Region's key.",
        )


@configured_resource_rule(
    "imagebuilder-recipe-scope-base-owner", Severity.CRITICAL, ("CKV_AWS_386",), (RECIPE,), field="product.baseImage"
)
def scope_base_owner(recipe: Resource, configuration: Configuration) -> Findings:
    """A recipe starts from an image of AWS's, of the landing zone's or of a named account.

    A parameter says whose it is by its name or ARN, an image of Image Builder's by its ARN, and an AMI by a tag of the
    recipe.
    """
    parent = look_up(recipe.properties, "parentImage")
    if isinstance(parent, str) and _AMI.fullmatch(parent):
        yield from require(
            look_up(recipe.properties, "tags", OWNER_TAG),
            lambda owner: _may_own_ami(owner, configuration),
            f"nothing says that {parent} is of an owner whose images may be built on; state the owner's account id, "
            f"{' or '.join(AWS_OWNERS)} in the recipe's tag {OWNER_TAG}.",
        )
        return
    yield from require(
        parent,
        lambda image: isinstance(image, str) and _is_owned(image, recipe, configuration),
        f"{_text(parent)} is of no owner whose images may be built on; name a parameter below /aws/service/ or of an "
        "account of the landing zone, or an image of AWS's or of such an account.",
    )


@resource_rule(
    "imagebuilder-distribution-require-regional-keys",
    Severity.CRITICAL,
    ("CKV_AWS_199",),
    (DISTRIBUTION,),
    field="product.distribution",
)
def require_key_in_every_region(configuration: Resource) -> Findings:
    """Every Region of a distribution encrypts its copies under a customer key of that Region, by its full ARN."""
    distributions = look_up(configuration.properties, "distributions")
    yield from require(distributions, is_known_list, "no Region is distributed to; list the Regions in distributions.")
    for entry in entries(distributions):
        region = look_up(entry, "region")
        key = look_up(entry, "amiDistributionConfiguration", "kmsKeyId")
        yield from require(region, is_given, "an entry of distributions names no Region.")
        yield from require(
            key, is_key_arn, f"Region {_text(region)} has no customer key; set kms_key_id to the ARN of its own key."
        )
        if isinstance(region, str) and is_key_arn(key) and key_region(key) != region:
            yield Finding(f"Region {region} names the key of {key_region(key)}; a key's ARN is bound to its Region.")


@resource_rule(
    "imagebuilder-distribution-forbid-public-images",
    Severity.CRITICAL,
    ("CKV_AWS_205", "ec2_ami_public"),
    (DISTRIBUTION,),
    field="product.distribution",
)
def forbid_public_images(configuration: Resource) -> Findings:
    """No image is shared with everybody."""
    for entry in entries(look_up(configuration.properties, "distributions")):
        groups = look_up(entry, "amiDistributionConfiguration", "launchPermission", "userGroups")
        yield from require(
            groups,
            lambda value: not value,
            f"Region {_text(look_up(entry, 'region'))} shares the image with groups; "
            "name accounts in target_account_ids instead of launch_permission.user_groups.",
        )


@resource_rule("imagebuilder-component-require-customer-key", Severity.HIGH, ("CKV_AWS_180",), (COMPONENT, WORKFLOW))
def require_component_key(component: Resource) -> Findings:
    """Every component, and every workflow, is encrypted under a customer key by its full ARN."""
    yield from require(
        look_up(component.properties, "kmsKeyId"),
        is_key_arn,
        "the document has no customer key; set kms_key_id to the full ARN of the product's data key.",
    )


@resource_rule(
    "imagebuilder-infrastructure-require-metadata-tokens",
    Severity.HIGH,
    ("CKV_AWS_79", "CKV_AWS_341", "EC2.8"),
    (INFRASTRUCTURE,),
)
def require_metadata_tokens(infrastructure: Resource) -> Findings:
    """Build instances serve metadata to token holders on the instance itself only.

    The hop limit has to be given: where it is not, an image may bring a default of its own that is wider.
    """
    options = look_up(infrastructure.properties, "instanceMetadataOptions")
    yield from require(
        look_up(options, "httpTokens"),
        lambda value: value == "required",
        'metadata is served without a token; set instance_metadata_options.http_tokens to "required".',
    )
    yield from require(
        look_up(options, "httpPutResponseHopLimit"),
        lambda value: value == 1,
        "metadata tokens may leave the instance; set instance_metadata_options.http_put_response_hop_limit to 1.",
    )


@resource_rule(
    "imagebuilder-infrastructure-require-network",
    Severity.HIGH,
    ("CKV2_AWS_5", "EC2.2"),
    (INFRASTRUCTURE,),
    field="product.subnet",
)
def require_network(infrastructure: Resource) -> Findings:
    """Build instances start in a chosen subnet behind chosen security groups, never in the default network."""
    yield from require(look_up(infrastructure.properties, "subnetId"), is_given, "no subnet is chosen; set subnet_id.")
    groups = look_up(infrastructure.properties, "securityGroupIds")
    yield from require(groups, is_known_list, "no security group is chosen; set security_group_ids.")
    for group in entries(groups):
        yield from require(group, is_given, "an entry of security_group_ids is empty.")


@configured_resource_rule(
    "imagebuilder-distribution-scope-accounts",
    Severity.CRITICAL,
    ("CKV_AWS_205", "ec2_ami_public"),
    (DISTRIBUTION,),
    field="product.distribution",
)
def scope_accounts(distribution: Resource, configuration: Configuration) -> Findings:
    """Images are copied to, and shared with, accounts and organisations of the landing zone only."""
    if not configuration.accounts:
        return
    for entry in entries(look_up(distribution.properties, "distributions")):
        settings = look_up(entry, "amiDistributionConfiguration")
        shared = look_up(settings, "launchPermission")
        where = _text(look_up(entry, "region"))
        for account in (*entries(look_up(settings, "targetAccountIds")), *entries(look_up(shared, "userIds"))):
            yield from require(
                account,
                lambda value: value in configuration.accounts,
                f"Region {where} gives the image to {_text(account)}, outside the landing zone; "
                "name one of its accounts in `distribution`.",
            )
        for arn in (
            *entries(look_up(shared, "organizationArns")),
            *entries(look_up(shared, "organizationalUnitArns")),
        ):
            yield from require(
                arn,
                lambda value: _organization(value) in configuration.organizations,
                f"Region {where} shares the image with {_text(arn)}, which is not the landing zone's organisation; "
                "mend `distribution` or name the organisation in `organizations` of the landing zone.",
            )


def _may_own_ami(owner: object, configuration: Configuration) -> bool:
    """Whether an AMI may be of an owner: of any account that is stated, unless the pack is told whose may be used."""
    if owner in AWS_OWNERS:
        return True
    stated = isinstance(owner, str) and _ACCOUNT.fullmatch(owner) is not None
    return stated and (not configuration.image_owners or owner in _owners(configuration))


def _is_owned(image: str, recipe: Resource, configuration: Configuration) -> bool:
    """Whether a parameter or an image of Image Builder's is AWS's or a known account's."""
    if any(pattern.fullmatch(image) for pattern in (_AWS_IMAGE, _AWS_PARAMETER, _MARKETPLACE_PRODUCT)):
        return True
    if _PARAMETER.fullmatch(image):
        # A parameter by its name lies where the recipe does.
        return not recipe.account or not configuration.accounts or recipe.account in configuration.accounts
    named = _IMAGE.fullmatch(image) or _PARAMETER_ARN.fullmatch(image)
    known = _owners(configuration)
    return bool(named) and (not known or account_in(image.removeprefix("ssm:")) in known)


def _owners(configuration: Configuration) -> frozenset[str]:
    """Accounts beside AWS's whose images may be built on; none where the pack is not told."""
    return configuration.accounts | configuration.image_owners


def _organization(arn: object) -> str:
    """The organisation of an ARN of an organisation or of a unit in it."""
    kind, _, path = str(arn).rpartition(":")[2].partition("/")
    return path.split("/")[0] if kind in ("organization", "ou") else ""


def _text(region: object) -> str:
    return "(unknown yet)" if region is UNKNOWN else str(region)
