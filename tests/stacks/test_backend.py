"""The way to AWS that the README shows: state in a bucket, secrets under a key, deployed from files as they are."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.account_setup import set_up
from local.environment import LocalFolder, stack_environment
from local.stack_files import StackFiles

pytestmark = pytest.mark.stack

HUB, TARGET, OTHER_TARGET = "444444444444", "555555555555", "666666666666"
BUCKET = "example-golden-ami-state"
KEY_ALIAS = "alias/golden-ami-state"
SECRET = "tell-nobody-7f3a"
STACK = "landing-zone"


@dataclass
class Deployment:
    """A landing zone of its own, its platform engineer's environment, and its state bucket."""

    project: Path
    environment: dict[str, str]
    world: Any

    def __call__(self, *arguments: str) -> str:
        """Run the engine; answers what it printed."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same where it may fail."""
        program = shutil.which("pulumi", path=self.environment["PATH"])
        assert program is not None
        return subprocess.run(
            [program, *arguments, "--non-interactive", "--color", "never"],
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def objects(self) -> dict[str, bytes]:
        """Everything in the state bucket, all versions of it, by key and version."""
        s3 = self.world.client("s3", HUB)
        versions = s3.list_object_versions(Bucket=BUCKET)["Versions"]
        return {
            f"{each['Key']}@{each['VersionId']}": s3.get_object(
                Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"]
            )["Body"].read()
            for each in versions
        }


def state_access(key_arn: str) -> dict[str, Any]:
    """What somebody needs who keeps state in the bucket, beside assuming the deployment roles."""
    bucket = f"arn:aws:s3:::{BUCKET}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket},
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                "Resource": f"{bucket}/*",
            },
            {"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": key_arn},
        ],
    }


@pytest.fixture(scope="module")
def deployment(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A project in accounts that nobody else uses; bucket and key are made as the hub's first user makes them."""
    project = tmp_path_factory.mktemp("to-aws") / "golden-ami"
    shutil.copytree(world.project, project, ignore=shutil.ignore_patterns(".local", "__pycache__"))
    for file in (project / "stacks").glob("Pulumi.*.yaml"):
        if file.name != f"Pulumi.{STACK}.yaml":
            file.unlink()
    file = project / "stacks" / f"Pulumi.{STACK}.yaml"
    text = file.read_text(encoding="utf-8")
    for account, own in zip(("111111111111", "222222222222", "333333333333"), (HUB, TARGET, OTHER_TARGET), strict=True):
        text = text.replace(account, own)
    file.write_text(text, encoding="utf-8")
    program = project / "__main__.py"
    secret = '\npulumi.export("note", pulumi.Config().require_secret("note"))\n'
    program.write_text(program.read_text(encoding="utf-8") + secret, encoding="utf-8")

    folder = LocalFolder(project / ".local", tools=world.session.folder.path)
    folder.cloud.mkdir(parents=True)
    (folder.path / "venv").symlink_to(world.session.folder.path / "venv")
    credentials = set_up(folder, StackFiles.read(project), world.session.address, world.session.cloud.run)
    environment = stack_environment(
        folder, world.session.environment, world.session.address, credentials.keys[f"platform-engineer@{HUB}"]
    )
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_BACKEND_URL"):
        del environment[name]
    return Deployment(project, environment, world)


def test_state_in_a_bucket_and_secrets_under_a_key_serve_the_deployment(deployment: Deployment) -> None:
    world = deployment.world
    kms, s3, iam = (world.client(service, HUB) for service in ("kms", "s3", "iam"))
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    key = kms.create_key(Description="Secrets of the stacks")["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=KEY_ALIAS, TargetKeyId=key)
    provider = f"awskms://{KEY_ALIAS}?region=us-east-1"

    refused = deployment.attempt("login", f"s3://{BUCKET}")
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stdout + refused.stderr
    iam.put_user_policy(UserName="platform-engineer", PolicyName="state", PolicyDocument=json.dumps(state_access(key)))

    deployment("login", f"s3://{BUCKET}")
    deployment("stack", "init", STACK, "--secrets-provider", provider)
    deployment("config", "set", "--secret", "note", SECRET, "--stack", STACK)
    file = (deployment.project / "stacks" / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8")
    assert f"secretsprovider: {provider}" in file
    assert SECRET not in file
    assert deployment("config", "get", "note", "--stack", STACK).strip() == SECRET

    made = deployment("up", "--yes", "--stack", STACK, "--policy-pack", "policies")
    assert SECRET not in made
    for account in (TARGET, OTHER_TARGET):
        role = world.client("iam", account).get_role(RoleName="EC2ImageBuilderDistributionCrossAccountRole")["Role"]
        assert HUB in json.dumps(role["AssumeRolePolicyDocument"])
    assert deployment("stack", "output", "note", "--show-secrets", "--stack", STACK).strip() == SECRET

    state = json.loads(s3.get_object(Bucket=BUCKET, Key=f".pulumi/stacks/golden-ami/{STACK}.json")["Body"].read())
    latest = state["checkpoint"]["latest"]
    assert latest["secrets_providers"]["type"] == "cloud"
    assert latest["secrets_providers"]["state"]["url"] == provider
    (stack,) = (each for each in latest["resources"] if each["type"] == "pulumi:pulumi:Stack")
    assert "ciphertext" in stack["outputs"]["note"]
    assert [name for name, body in deployment.objects().items() if SECRET.encode() in body] == []

    deployment("up", "--yes", "--skip-preview", "--expect-no-changes", "--stack", STACK)

    kms.disable_key(KeyId=key)
    unreadable = deployment.attempt("config", "get", "note", "--stack", STACK)
    kms.enable_key(KeyId=key)
    assert unreadable.returncode != 0
    assert "KMSInvalidStateException" in unreadable.stderr or "DisabledException" in unreadable.stderr
