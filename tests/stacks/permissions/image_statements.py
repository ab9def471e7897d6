"""What each statement of the image's way is for: its keys, the build, the distribution, the launches."""

from __future__ import annotations

from model.names import role_arn
from tests.stacks.permissions import image_probes as probes
from tests.stacks.permissions.classification import Classified, Probe, Purpose
from tests.stacks.permissions.image_probes import PRODUCTION
from tests.stacks.permissions.upload_statements import only_policies

NEEDED, GUARD, ADMINISTRATION = Purpose

CREATED, EXISTING = "ledger-instances", "ledger-runtime"
REGIONS = ("us-east-1", "eu-west-1")
TARGETS = (PRODUCTION, "333333333333")

FIRST = f"{PRODUCTION} us-east-1"
"""The target that the example names first."""

EXECUTION = {
    "LaunchBuildInstances": ("LaunchBuildInstance", "ec2:RunInstances"),
    "PassBuildInstanceRole": ("LaunchBuildInstance", "iam:PassRole"),
    "EndBuildInstances": ("CreateOutputAMI", "ec2:StopInstances"),
    "ImageBuildInstances": ("CreateOutputAMI", "ec2:CreateImage"),
    "TagWhatIsMade": ("LaunchBuildInstance", "ec2:CreateTags"),
    "ShareWithTargets": (f"DistributeImage {FIRST}", "ec2:ModifyImageAttribute"),
    "CommandBuildInstances": ("ApplyBuildComponents", "ssm:SendCommand"),
    "CommandOwnInstances": ("ApplyBuildComponents", "ssm:SendCommand"),
    "ReadBuildState": ("CREATING", "ec2:DescribeImages"),
    "ReadBaseImage": ("CREATING", "ssm:GetParameter"),
    "UseImageKeys": ("LaunchBuildInstance", "kms:"),
    "GrantImageKeys": ("LaunchBuildInstance", "kms:CreateGrant"),
    "WriteChannels": (f"ApplyImageConfigurations {FIRST}", "ssm:PutParameter"),
    "DistributeToTargets": (f"DistributeImage {FIRST}", "sts:AssumeRole"),
}
"""Statements of the execution role by the step of the build that fails without them, and on what."""

INSTANCE = {
    "ReadPinnedBuild": "s3:GetObject",
    "ListPinnedBuild": "s3:ListBucket",
    "DecryptPinnedBuild": "kms:Decrypt",
}

DISTRIBUTION = {
    "UseImageKeys": ("DistributeImage", "kms:"),
    "GrantImageKeys": ("DistributeImage", "kms:CreateGrant"),
    "TagSnapshots": ("DistributeImage", "ec2:CreateTags"),
    "WriteChannels": ("ApplyImageConfigurations", "ssm:PutParameter"),
}


def _image_key(region: str) -> tuple[Classified, ...]:
    key, home = f"image key in {region}", region == "us-east-1"
    # In the build's Region the execution role works by its own policy; elsewhere only the deployment role does.
    account = (
        Classified(key, "EnableAccountPolicies", NEEDED, probes.build, "LaunchBuildInstance", "kms:", only_policies)
        if home
        else Classified(
            key,
            "EnableAccountPolicies",
            ADMINISTRATION,
            probes.hub_deployer_reads_the_key(region),
            "deployment",
            "kms:GetKeyRotationStatus",
            only_policies,
        )
    )

    def administration(sid: str, probe: Probe, says: str, place: str = "administration") -> Classified:
        return Classified(key, sid, ADMINISTRATION, probe, place, says)

    return (
        account,
        administration("KeyAdministration", probes.administrator_reads_the_key(region), "kms:GetKeyPolicy"),
        administration("UseByAdministrators", probes.administrator_uses_the_key(region), "kms:GenerateDataKey"),
        administration("GrantsByAdministrators", probes.administrator_copies_an_image(region), "kms:CreateGrant"),
        Classified(key, "UseByTargets", NEEDED, probes.build, f"DistributeImage {PRODUCTION} {region}", "kms:"),
        Classified(
            key, "GrantsByTargets", NEEDED, probes.build, f"DistributeImage {PRODUCTION} {region}", "kms:CreateGrant"
        ),
        administration(
            "GrantToAutoScaling", probes.deployer_grants_to_auto_scaling(region), "kms:CreateGrant", "deployment"
        ),
        administration("KeepAutoScalingGrants", probes.deployer_reads_grants(region), "kms:ListGrants", "deployment"),
        Classified(key, "RefuseOtherGrantees", GUARD, probes.grant_to_somebody_else(region), "grant", "explicit deny"),
    )


def _distribution(account: str) -> tuple[Classified, ...]:
    policy, trust = f"policy of distribution to {account}", f"trust of distribution to {account}"
    return (
        *(
            Classified(policy, sid, NEEDED, probes.build, f"{step} {account} us-east-1", says)
            for sid, (step, says) in DISTRIBUTION.items()
        ),
        Classified(
            trust, "DistributionFromHub", NEEDED, probes.build, f"DistributeImage {account} us-east-1", "sts:AssumeRole"
        ),
    )


def _consumer(role: str, account: str, profile: str = "") -> tuple[Classified, ...]:
    policy = f"image-key policy of {role.rsplit('/', 1)[-1]}"
    launch = probes.launch_as(role_arn(account, role), "us-east-1", profile)
    return (
        Classified(policy, "UseImageKey", NEEDED, launch, "launch", "kms:"),
        Classified(policy, "GrantImageKey", NEEDED, launch, "launch", "kms:CreateGrant"),
    )


def _created_consumer() -> tuple[Classified, ...]:
    launch = probes.launch_as(role_arn(PRODUCTION, CREATED), "us-east-1", CREATED)
    policy = f"launch policy of {CREATED}"
    says = {
        "LaunchProductImages": "ec2:RunInstances",
        "LaunchInAccount": "ec2:RunInstances",
        "PassItself": "iam:PassRole",
        "ReadChannel": "ssm:GetParameter",
    }
    return (
        *(Classified(policy, sid, NEEDED, launch, "launch", text) for sid, text in says.items()),
        Classified(
            f"trust of {CREATED}",
            "AssumedInAccount",
            NEEDED,
            probes.operator_assumes_the_consumer_role,
            "account",
            "sts:AssumeRole",
        ),
    )


IMAGE_STATEMENTS: tuple[Classified, ...] = (
    *(statement for region in REGIONS for statement in _image_key(region)),
    *(
        Classified("policy of execution", sid, NEEDED, probes.build, step, says)
        for sid, (step, says) in EXECUTION.items()
    ),
    Classified("policy of execution", "WriteBuildLog", NEEDED, probes.build_log, "log", "logs:"),
    Classified("trust of execution", "AssumedByImageBuilder", NEEDED, probes.build, "CREATING", "sts:AssumeRole"),
    *(
        Classified("policy of build instance", sid, NEEDED, probes.build, "ApplyBuildComponents", says)
        for sid, says in INSTANCE.items()
    ),
    Classified(
        "trust of build instance", "AssumedByInstances", NEEDED, probes.build, "ApplyBuildComponents", "sts:AssumeRole"
    ),
    *(statement for account in TARGETS for statement in _distribution(account)),
    *_consumer(CREATED, PRODUCTION, CREATED),
    *_consumer(f"application/{EXISTING}", TARGETS[1]),
    *_created_consumer(),
)

RECORDED_IMAGE_STATEMENTS = {
    ("policy of execution", "CopyImages"): "copies into targets are made by the roles there, and the hub takes none",
    (f"trust of {CREATED}", "AssumedByInstances"): "nothing runs on an instance that a consumer launches here",
}
"""Statements that the local cloud does not decide on, with the reason."""
