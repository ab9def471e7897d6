"""What the pack asks of instances and launch templates."""

from __future__ import annotations

import gzip
from base64 import b64encode, encodebytes
from typing import Any

import pytest

from policies.rules import launch_settings as launches
from policies.rules.values import UNKNOWN
from tests.policies.verdict import BROKEN, KEPT, KEY, NO_KEYS, PENDING, changed, verdict

Properties = dict[str, Any]

BOTH = pytest.mark.parametrize("kind", [launches.INSTANCE, launches.TEMPLATE])

ENCRYPTED: Properties = {"encrypted": True, "kmsKeyId": KEY}
TEXT: Properties = {"encrypted": "true", "kmsKeyId": KEY}

# In pieces, so that no scanner takes these lines for secrets.
KEY_ID = "AKIA" + "Q2" * 8
SESSION_KEY_ID = "ASIA" + "Q2" * 8
SECRET_KEY = "aB3/" * 10
PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE"


def base64(data: str | bytes) -> str:
    return b64encode(data.encode() if isinstance(data, str) else data).decode()


def part(script: str) -> str:
    """User data of one part, as cloud-init's tools wrap it."""
    body = encodebytes(script.encode()).decode()
    return f"MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\n{body}\n--BOUNDARY--\n"


@BOTH
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"httpTokens": "required", "httpPutResponseHopLimit": 1}, KEPT),
        ({"httpTokens": "required", "httpPutResponseHopLimit": 1, "instanceMetadataTags": "enabled"}, KEPT),
        (None, BROKEN),
        ({"httpPutResponseHopLimit": 1}, BROKEN),
        ({"httpTokens": "optional", "httpPutResponseHopLimit": 1}, BROKEN),
        ({"httpTokens": "required"}, BROKEN),
        ({"httpTokens": "required", "httpPutResponseHopLimit": 2}, BROKEN),
        (UNKNOWN, PENDING),
        ({"httpTokens": UNKNOWN, "httpPutResponseHopLimit": 1}, PENDING),
        ({"httpTokens": "required", "httpPutResponseHopLimit": UNKNOWN}, PENDING),
    ],
)
def test_instances_serve_metadata_to_token_holders_only(kind: str, options: Any, expected: str) -> None:
    assert verdict(launches.require_metadata_tokens, changed({}, options, "metadataOptions"), kind) == expected


@pytest.mark.parametrize(
    ("public", "expected"),
    [
        (False, KEPT),
        ("false", KEPT),
        (None, KEPT),
        (True, BROKEN),
        ("true", BROKEN),
        # The provider reads this as a flag that is set, too.
        ("T", BROKEN),
        (UNKNOWN, PENDING),
    ],
)
def test_no_instance_asks_for_a_public_address(public: Any, expected: str) -> None:
    check, interface = launches.forbid_public_address, changed({}, public, "associatePublicIpAddress")
    assert verdict(check, interface, launches.INSTANCE) == expected
    assert verdict(check, {"networkInterfaces": [{}, interface]}, launches.TEMPLATE) == expected


@pytest.mark.parametrize(("interfaces", "expected"), [(None, KEPT), (UNKNOWN, PENDING), ([UNKNOWN], PENDING)])
def test_a_template_may_leave_its_interfaces_out(interfaces: Any, expected: str) -> None:
    properties = changed({}, interfaces, "networkInterfaces")
    assert verdict(launches.forbid_public_address, properties, launches.TEMPLATE) == expected


SCRIPTS = [
    ("a script", "#!/bin/sh\ndnf -y update\n", KEPT),
    ("a word of a length that base64 does not have", "x" * 25, KEPT),
    ("a script that asks for a secret", "SECRET_ACCESS_KEY=$(aws secretsmanager get-secret-value)", KEPT),
    ("a longer word that begins like a key id", f"{KEY_ID}Q2", KEPT),
    ("a digest of the length of a secret key", f"sha1: {'a1' * 20}", KEPT),
    ("a public key", "-----BEGIN PUBLIC KEY-----\nMIIB", KEPT),
    ("a key id", f"export AWS_ACCESS_KEY_ID={KEY_ID}\n", BROKEN),
    ("the key id of a session", f'{{"AccessKeyId": "{SESSION_KEY_ID}"}}', BROKEN),
    ("a secret key", f"export AWS_SECRET_ACCESS_KEY='{SECRET_KEY}'", BROKEN),
    ("a secret key as an argument", f"aws configure set aws_secret_access_key {SECRET_KEY}", BROKEN),
    ("a secret key in JSON", f'{{"SecretAccessKey": "{SECRET_KEY}"}}', BROKEN),
    ("a private key", PRIVATE_KEY, BROKEN),
    ("a private key of no kind", PRIVATE_KEY.replace("RSA ", ""), BROKEN),
    ("a key id in a file that is encoded", f"content: {base64(f'[default] id={KEY_ID}')}\nmode: 600", BROKEN),
    # Lines break after 57 bytes, here in the middle of the key's head.
    ("a private key in a part that is encoded", part("#" * 40 + "\n" + PRIVATE_KEY), BROKEN),
]


@BOTH
@pytest.mark.parametrize(("script", "expected"), [case[1:] for case in SCRIPTS], ids=[case[0] for case in SCRIPTS])
def test_no_user_data_holds_a_secret(kind: str, script: str, expected: str) -> None:
    for text in (script, base64(script), base64(gzip.compress(script.encode()))):
        assert verdict(launches.forbid_secrets, {"userData": text}, kind) == expected
        assert verdict(launches.forbid_secrets, {"userDataBase64": text}, kind) == expected


@BOTH
@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, KEPT),
        ({"userData": ""}, KEPT),
        ({"userData": UNKNOWN}, PENDING),
        ({"userDataBase64": UNKNOWN}, PENDING),
        ({"userData": base64(b"\x1f\x8b but not packed at all")}, KEPT),
    ],
)
def test_user_data_may_be_missing_unknown_or_broken(kind: str, properties: Properties, expected: str) -> None:
    assert verdict(launches.forbid_secrets, properties, kind) == expected


def test_a_finding_does_not_repeat_the_secret() -> None:
    user_data = {"userData": f"id={KEY_ID} aws_secret_access_key={SECRET_KEY}"}
    (finding,) = launches.forbid_secrets.check(launches.Resource(launches.INSTANCE, "ledger", user_data))
    assert KEY_ID not in finding.message
    assert SECRET_KEY not in finding.message


INSTANCES = [
    ("an encrypted root", ENCRYPTED, None, KEPT),
    ("an encrypted root and disk", ENCRYPTED, [ENCRYPTED], KEPT),
    ("nothing", None, None, BROKEN),
    ("no root beside an encrypted disk", None, [ENCRYPTED], BROKEN),
    ("a root that is not encrypted", {**ENCRYPTED, "encrypted": False}, None, BROKEN),
    ("a last disk without settings", ENCRYPTED, [ENCRYPTED, {"deviceName": "/dev/sdf"}], BROKEN),
    ("an unknown root", UNKNOWN, None, PENDING),
    ("an unknown key", {**ENCRYPTED, "kmsKeyId": UNKNOWN}, None, PENDING),
    ("an unknown list", ENCRYPTED, UNKNOWN, PENDING),
    ("an unknown disk", ENCRYPTED, [ENCRYPTED, UNKNOWN], PENDING),
    ("an unknown root and a disk without settings", UNKNOWN, [{}], BROKEN),
]


@pytest.mark.parametrize(
    ("root", "disks", "expected"), [case[1:] for case in INSTANCES], ids=[case[0] for case in INSTANCES]
)
def test_an_instance_encrypts_its_root_and_every_disk(root: Any, disks: Any, expected: str) -> None:
    properties = changed(changed({}, root, "rootBlockDevice"), disks, "ebsBlockDevices")
    assert verdict(launches.require_encrypted_volumes, properties, launches.INSTANCE) == expected


TEMPLATES = [
    ("nothing", None, KEPT),
    ("an encrypted volume", [{"ebs": TEXT}], KEPT),
    ("two encrypted volumes", [{"ebs": TEXT}, {"ebs": ENCRYPTED}], KEPT),
    ("a device that is left out", [{"deviceName": "/dev/sdb", "noDevice": "true"}], KEPT),
    ("a disk of the instance itself", [{"deviceName": "/dev/sdb", "virtualName": "ephemeral0"}], KEPT),
    ("a volume that is not encrypted", [{"ebs": {**TEXT, "encrypted": "false"}}], BROKEN),
    ("a last volume without settings", [{"ebs": TEXT}, {"deviceName": "/dev/sdb"}], BROKEN),
    ("settings for a device that is left out", [{"noDevice": "true", "ebs": {"volumeSize": 8}}], BROKEN),
    ("an unknown list", UNKNOWN, PENDING),
    ("an unknown entry", [{"ebs": TEXT}, UNKNOWN], PENDING),
    ("unknown settings", [{"ebs": UNKNOWN}], PENDING),
    ("an unknown flag", [{"ebs": {**TEXT, "encrypted": UNKNOWN}}], PENDING),
    ("a device that may be left out", [{"noDevice": UNKNOWN}], PENDING),
    ("a device that is left out with an unknown name", [{"noDevice": "true", "virtualName": UNKNOWN}], KEPT),
]


@pytest.mark.parametrize(
    ("mappings", "expected"), [case[1:] for case in TEMPLATES], ids=[case[0] for case in TEMPLATES]
)
def test_a_template_encrypts_every_volume_that_it_lists(mappings: Any, expected: str) -> None:
    properties = changed({}, mappings, "blockDeviceMappings")
    assert verdict(launches.require_encrypted_volumes, properties, launches.TEMPLATE) == expected


@pytest.mark.parametrize("key", NO_KEYS)
def test_a_volume_takes_nothing_for_a_key_but_a_full_arn(key: Any) -> None:
    check, volume = launches.require_encrypted_volumes, {**ENCRYPTED, "kmsKeyId": key}
    assert verdict(check, {"rootBlockDevice": volume}, launches.INSTANCE) == BROKEN
    assert verdict(check, {"blockDeviceMappings": [{"ebs": volume}]}, launches.TEMPLATE) == BROKEN


def test_a_finding_names_the_volume_and_the_property() -> None:
    mapping = {"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}
    resource = launches.Resource(launches.TEMPLATE, "ledger", {"blockDeviceMappings": [mapping]})
    (finding,) = launches.require_encrypted_volumes.check(resource)
    assert "/dev/xvda" in finding.message
    assert "block_device_mappings.ebs.kms_key_id" in finding.message
