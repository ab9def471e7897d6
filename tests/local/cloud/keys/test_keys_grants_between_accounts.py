"""Grants that one account makes on another's key: who may make, narrow, list and end them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.local.cloud.served_cloud import HUB, TARGET, Role, ServedCloud, denied, refusal, root_of, statement

OTHER = "333333333333"
GRANTS = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]
OPERATIONS = ["Encrypt", "Decrypt", "DescribeKey", "CreateGrant"]


@dataclass
class Shared:
    cloud: ServedCloud
    key: str
    issuer: Role
    """A role of the target that makes grants."""
    grantee: Role

    def kms(self, who: Any) -> Any:
        return self.cloud.client("kms", who)

    def grant(self, who: Any = None, **more: Any) -> Any:
        request = {"KeyId": self.key, "GranteePrincipal": self.grantee.arn, "Operations": OPERATIONS, **more}
        return self.kms(who or self.issuer).create_grant(**request)

    def listed(self) -> dict[str, Any]:
        return {grant["GrantId"]: grant for grant in self.kms(HUB).list_grants(KeyId=self.key)["Grants"]}


@pytest.fixture
def shared(cloud: ServedCloud) -> Shared:
    issuer = cloud.role(TARGET, statement(GRANTS))
    only = {"ArnEquals": {"aws:PrincipalArn": issuer.arn}}
    key = cloud.key(statement(GRANTS, Principal=root_of(TARGET), Condition=only))
    return Shared(cloud, key, issuer, cloud.role(TARGET))


def test_a_role_that_the_key_admits_makes_lists_and_revokes_a_grant(shared: Shared) -> None:
    made = shared.grant()["GrantId"]
    kms = shared.kms(shared.issuer)
    (listed,) = kms.list_grants(KeyId=shared.key)["Grants"]
    assert (listed["GrantId"], listed["GranteePrincipal"]) == (made, shared.grantee.arn)
    assert shared.kms(shared.grantee).describe_key(KeyId=shared.key)
    kms.revoke_grant(KeyId=shared.key, GrantId=made)
    assert refusal(lambda: shared.kms(shared.grantee).describe_key(KeyId=shared.key))[0] == "AccessDeniedException"


@pytest.mark.parametrize("operation", ["create_grant", "list_grants", "revoke_grant"])
def test_both_accounts_must_allow_it(shared: Shared, operation: str) -> None:
    action = "kms:" + "".join(word.title() for word in operation.split("_"))
    made = shared.grant()["GrantId"]
    more: Mapping[str, Any] = {
        "create_grant": {"GranteePrincipal": shared.grantee.arn, "Operations": ["Decrypt"]},
        "list_grants": {},
        "revoke_grant": {"GrantId": made},
    }[operation]
    stranger = shared.cloud.role(TARGET, statement(GRANTS))
    by_key = refusal(lambda: getattr(shared.kms(stranger), operation)(KeyId=shared.key, **more))
    assert by_key == denied(stranger, action, shared.key, "resource")
    shared.cloud.put_policy(TARGET, shared.issuer.name, statement("kms:DescribeKey"))
    by_role = refusal(lambda: getattr(shared.kms(shared.issuer), operation)(KeyId=shared.key, **more))
    assert by_role == denied(shared.issuer, action, shared.key, "identity")


def test_a_grant_tells_the_account_that_made_it(shared: Shared) -> None:
    theirs, ours = shared.grant()["GrantId"], shared.grant(HUB)["GrantId"]
    listed = shared.listed()
    assert listed[theirs]["IssuingAccount"] == f"arn:aws:iam::{TARGET}:root"
    assert listed[ours]["IssuingAccount"] == f"arn:aws:iam::{HUB}:root"


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:iam::{TARGET}:role/nobody",
        f"arn:aws:iam::{TARGET}:user/nobody",
        f"arn:aws:iam::{TARGET}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        f"arn:aws:sts::{TARGET}:assumed-role/nobody/session",
        f"arn:aws:sts::{TARGET}:assumed-role/aws:ec2-infrastructure/volume",
        "autoscaling.amazonaws.com",
        "*",
        TARGET,
    ],
)
@pytest.mark.parametrize("parameter", ["GranteePrincipal", "RetiringPrincipal"])
def test_a_grant_names_principals_that_exist(shared: Shared, parameter: str, arn: str) -> None:
    if arn == "*":
        arn = f"arn:aws:iam::{TARGET}:role/other/{shared.grantee.name}"
    found = refusal(lambda: shared.grant(**{parameter: arn}))
    assert found == ("InvalidArnException", f"ARN does not refer to a valid principal: {arn}")
    assert shared.listed() == {}


@pytest.mark.parametrize("parameter", ["GranteeServicePrincipal", "RetiringServicePrincipal"])
def test_grants_to_services_are_refused_by_name(shared: Shared, parameter: str) -> None:
    code, message = refusal(lambda: shared.grant(**{parameter: "ec2.amazonaws.com"}))
    assert code == "UnsupportedOperation"
    assert parameter in message


def test_a_grant_has_a_grantee(shared: Shared) -> None:
    kms = shared.kms(shared.issuer)
    assert refusal(lambda: kms.create_grant(KeyId=shared.key, Operations=["Decrypt"]))[0] == "ValidationException"


def test_who_may_not_make_a_grant_learns_nothing_of_principals(shared: Shared) -> None:
    stranger = shared.cloud.role(TARGET, statement(GRANTS))
    found = refusal(lambda: shared.grant(stranger, GranteePrincipal=f"arn:aws:iam::{TARGET}:role/nobody"))
    assert found == denied(stranger, "kms:CreateGrant", shared.key, "resource")


@pytest.mark.parametrize("kind", ["user", "session", "root"])
def test_a_grant_may_name_users_sessions_and_accounts(shared: Shared, kind: str) -> None:
    if kind == "user":
        name = shared.cloud.name("user")
        arn = shared.cloud.client("iam", TARGET).create_user(UserName=name)["User"]["Arn"]
    else:
        arn = shared.grantee.session if kind == "session" else f"arn:aws:iam::{TARGET}:root"
    assert shared.grant(GranteePrincipal=arn)["GrantId"] in shared.listed()


def test_a_grant_to_a_session_is_that_session_s(shared: Shared) -> None:
    shared.grant(GranteePrincipal=shared.grantee.session)
    assert shared.kms(shared.grantee).describe_key(KeyId=shared.key)


def test_a_grant_dies_with_its_grantee(shared: Shared) -> None:
    """KMS keeps a grantee's unique id: a role of the same name is another one."""
    shared.grant()
    assert shared.kms(shared.grantee).describe_key(KeyId=shared.key)
    shared.cloud.client("iam", TARGET).delete_role(RoleName=shared.grantee.name)
    again = shared.cloud.role(TARGET, name=shared.grantee.name)
    found = refusal(lambda: shared.kms(again).describe_key(KeyId=shared.key))
    assert found == denied(again, "kms:DescribeKey", shared.key, "resource")


def test_the_retry_of_a_named_grant_makes_no_other(shared: Shared) -> None:
    first, second = shared.grant(Name="once"), shared.grant(Name="once")
    assert first["GrantId"] == second["GrantId"]
    assert first["GrantToken"] != second["GrantToken"]
    assert list(shared.listed()) == [first["GrantId"]]


@pytest.mark.parametrize(
    ("outer", "inner", "allowed"),
    [
        ({}, {"Operations": ["Decrypt"]}, True),
        ({}, {"Operations": OPERATIONS}, True),
        ({}, {"Operations": ["Decrypt", "GenerateDataKey"]}, False),
        ({}, {"Operations": ["RetireGrant"]}, False),
        ({"EncryptionContextEquals": {"a": "1"}}, {}, False),
        ({"EncryptionContextEquals": {"a": "1"}}, {"Constraints": {"EncryptionContextEquals": {"a": "1"}}}, True),
        ({"EncryptionContextEquals": {"a": "1"}}, {"Constraints": {"EncryptionContextSubset": {"a": "1"}}}, False),
        ({"EncryptionContextSubset": {"a": "1"}}, {}, False),
        ({"EncryptionContextSubset": {"a": "1"}}, {"Constraints": {"EncryptionContextSubset": {"b": "1"}}}, False),
        (
            {"EncryptionContextSubset": {"a": "1"}},
            {"Constraints": {"EncryptionContextSubset": {"a": "1", "b": "2"}}},
            True,
        ),
        (
            {"EncryptionContextSubset": {"a": "1"}},
            {"Constraints": {"EncryptionContextEquals": {"a": "1", "b": "2"}}},
            True,
        ),
    ],
)
def test_a_grant_made_by_leave_of_another_is_at_most_as_permissive(
    shared: Shared, outer: Mapping[str, Any], inner: Mapping[str, Any], allowed: bool
) -> None:
    shared.grant(**({"Constraints": outer} if outer else {}))
    other = shared.cloud.role(TARGET)
    request = {"GranteePrincipal": other.arn, "Operations": ["Decrypt"], **inner}
    if allowed:
        assert shared.grant(shared.grantee, **request)["GrantId"]
    else:
        found = refusal(lambda: shared.grant(shared.grantee, **request))
        assert found == denied(shared.grantee, "kms:CreateGrant", shared.key, "resource")


def test_a_policy_s_leave_is_not_bound_by_a_grant(shared: Shared) -> None:
    shared.grant(GranteePrincipal=shared.issuer.arn)
    assert shared.grant(Operations=["GenerateDataKey"])["GrantId"]


def test_leave_to_make_grants_must_be_granted(shared: Shared) -> None:
    shared.grant(Operations=["Decrypt"])
    found = refusal(lambda: shared.grant(shared.grantee, Operations=["Decrypt"]))
    assert found == denied(shared.grantee, "kms:CreateGrant", shared.key, "resource")


def test_a_constraint_does_not_apply_to_describing_the_key(shared: Shared) -> None:
    shared.grant(Constraints={"EncryptionContextEquals": {"a": "1"}})
    kms = shared.kms(shared.grantee)
    assert kms.describe_key(KeyId=shared.key)
    assert refusal(lambda: kms.encrypt(KeyId=shared.key, Plaintext=b"x"))[0] == "AccessDeniedException"
    assert kms.encrypt(KeyId=shared.key, Plaintext=b"x", EncryptionContext={"a": "1"})


def test_a_re_encryption_holds_each_key_s_grant_against_its_own_context(shared: Shared) -> None:
    shared.grant(Operations=["ReEncryptFrom"], Constraints={"EncryptionContextEquals": {"from": "1"}})
    shared.grant(Operations=["ReEncryptTo"], Constraints={"EncryptionContextEquals": {"to": "2"}})
    made = shared.cloud.encrypted(shared.key, EncryptionContext={"from": "1"})
    request = {"CiphertextBlob": made, "DestinationKeyId": shared.key, "SourceEncryptionContext": {"from": "1"}}
    kms = shared.kms(shared.grantee)
    assert kms.re_encrypt(**request, DestinationEncryptionContext={"to": "2"})["KeyId"] == shared.key
    found = refusal(lambda: kms.re_encrypt(**request, DestinationEncryptionContext={"to": "3"}))
    assert found == denied(shared.grantee, "kms:ReEncryptTo", shared.key, "resource")


@pytest.mark.parametrize(
    ("condition", "constraints", "allowed"),
    [
        ({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}}, {}, False),
        ({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}},
         {"EncryptionContextEquals": {"a": "1"}}, True),
        ({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}},
         {"EncryptionContextSubset": {"a": "1"}}, False),
        ({"Null": {"kms:RetiringPrincipal": "true"}}, {}, True),
        ({"Null": {"kms:RetiringPrincipal": "false"}}, {}, False),
    ],
)  # fmt: skip
def test_conditions_see_a_new_grant_s_constraint_and_retiring_principal(
    shared: Shared, condition: Mapping[str, Any], constraints: Mapping[str, Any], allowed: bool
) -> None:
    shared.cloud.put_policy(TARGET, shared.issuer.name, statement("kms:CreateGrant", Condition=condition))
    request = {"Constraints": constraints} if constraints else {}
    if allowed:
        assert shared.grant(**request)["GrantId"]
    else:
        assert refusal(lambda: shared.grant(**request)) == denied(
            shared.issuer, "kms:CreateGrant", shared.key, "identity"
        )


def except_for(grantee: str, operator: str = "StringNotEquals", value: Any = "BoolIfExists") -> dict[str, Any]:
    """A key's statement that denies grants to anybody but one, unless AWS's services make them."""
    return {
        **statement("kms:CreateGrant", Principal="*", Effect="Deny"),
        "Condition": {
            operator: {"kms:GranteePrincipal": grantee},
            value: {"kms:GrantIsForAWSResource": "false"},
        },
    }


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike"])
@pytest.mark.parametrize("value", ["Bool", "BoolIfExists"])
def test_a_denial_of_other_grants_spares_the_one_and_what_ec2_makes(
    cloud: ServedCloud, operator: str, value: str
) -> None:
    grantee, other = cloud.role(TARGET), cloud.role(TARGET)
    user = cloud.role(HUB, statement(["ec2:*", "kms:*"]))
    key = cloud.key(except_for(grantee.arn, operator, value))
    kms = cloud.client("kms", user)
    assert kms.create_grant(KeyId=key, GranteePrincipal=grantee.arn, Operations=["Decrypt"])["GrantId"]
    found = refusal(lambda: kms.create_grant(KeyId=key, GranteePrincipal=other.arn, Operations=["Decrypt"]))
    assert found == denied(user, "kms:CreateGrant", key, "resource", explicit=True)
    ec2 = cloud.client("ec2", user)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]
    disk = {"DeviceName": image["RootDeviceName"], "Ebs": {"Encrypted": True, "KmsKeyId": key}}
    before = len(cloud.client("kms").list_grants(KeyId=key)["Grants"])
    ec2.run_instances(ImageId=image["ImageId"], MinCount=1, MaxCount=1, BlockDeviceMappings=[disk])
    assert len(cloud.client("kms").list_grants(KeyId=key)["Grants"]) == before + 1


def test_a_denial_of_other_grants_binds_who_may_make_grants_by_a_grant(cloud: ServedCloud) -> None:
    grantee, other = cloud.role(TARGET), cloud.role(TARGET)
    key = cloud.key(except_for(grantee.arn))
    request = {"KeyId": key, "GranteePrincipal": grantee.arn, "Operations": ["Decrypt", "CreateGrant"]}
    cloud.client("kms").create_grant(**request)
    kms = cloud.client("kms", grantee)
    found = refusal(lambda: kms.create_grant(**{**request, "GranteePrincipal": other.arn}))
    assert found == denied(grantee, "kms:CreateGrant", key, "resource", explicit=True)


def retire(shared: Shared, who: Any, grant: Any) -> None:
    shared.kms(who).retire_grant(KeyId=shared.key, GrantId=grant["GrantId"])


def test_the_retiring_principal_retires_a_grant(shared: Shared) -> None:
    retirer = shared.cloud.role(OTHER)
    made = shared.grant(RetiringPrincipal=retirer.arn)
    retire(shared, retirer, made)
    assert shared.listed() == {}


def test_a_grant_is_found_by_its_token_as_well(shared: Shared) -> None:
    retirer = shared.cloud.role(OTHER)
    made = shared.grant(RetiringPrincipal=retirer.arn)
    kms = shared.kms(retirer)
    assert refusal(lambda: kms.retire_grant(GrantToken="none"))[0] == "InvalidGrantTokenException"
    kms.retire_grant(GrantToken=made["GrantToken"])
    assert shared.listed() == {}


def test_a_grantee_retires_its_grant_if_the_grant_says_so(shared: Shared) -> None:
    made = shared.grant(Operations=["Decrypt", "RetireGrant"])
    retire(shared, shared.grantee, made)
    kept = shared.grant(Operations=["Decrypt"])
    assert refusal(lambda: retire(shared, shared.grantee, kept))[0] == "AccessDeniedException"


@pytest.mark.parametrize("account", [HUB, TARGET])
def test_the_key_s_account_and_the_one_that_made_a_grant_retire_it_and_let_others_do_so(
    shared: Shared, account: str
) -> None:
    retire(shared, account, shared.grant())
    kept = shared.grant()
    nobody = shared.cloud.role(account)
    assert refusal(lambda: retire(shared, nobody, kept)) == denied(nobody, "kms:RetireGrant", shared.key, "identity")
    retire(shared, shared.cloud.role(account, statement("kms:RetireGrant", shared.key)), kept)
    assert shared.listed() == {}


def test_leave_of_another_account_retires_nothing(shared: Shared) -> None:
    stranger = shared.cloud.role(OTHER, statement("kms:RetireGrant"))
    made = shared.grant()
    assert refusal(lambda: retire(shared, stranger, made))[0] == "AccessDeniedException"
    assert refusal(lambda: retire(shared, OTHER, made))[0] == "AccessDeniedException"
    retire(shared, stranger, shared.grant(RetiringPrincipal=f"arn:aws:iam::{OTHER}:root"))


def test_a_denial_keeps_even_the_retiring_principal_from_it(shared: Shared) -> None:
    retirer = shared.cloud.role(OTHER, {"Effect": "Deny", "Action": "kms:RetireGrant", "Resource": "*"})
    made = shared.grant(RetiringPrincipal=retirer.arn)
    found = refusal(lambda: retire(shared, retirer, made))
    assert found == denied(retirer, "kms:RetireGrant", shared.key, "identity", explicit=True)


def test_a_key_policy_has_no_say_in_retiring(cloud: ServedCloud) -> None:
    stranger = cloud.role(TARGET, statement("kms:*"))
    key = cloud.key(statement("kms:RetireGrant", Principal=root_of(TARGET)))
    made = cloud.client("kms").create_grant(KeyId=key, GranteePrincipal=cloud.role(HUB).arn, Operations=["Decrypt"])
    kms = cloud.client("kms", stranger)
    code, _ = refusal(lambda: kms.retire_grant(KeyId=key, GrantId=made["GrantId"]))
    assert code == "AccessDeniedException"


def test_retiring_names_a_grant_that_is_there(shared: Shared) -> None:
    kms = shared.kms(HUB)
    assert refusal(lambda: kms.retire_grant(KeyId=shared.key, GrantId="none"))[0] == "NotFoundException"
    assert refusal(lambda: kms.retire_grant(KeyId=shared.key))[0] == "ValidationException"


def test_a_dry_run_retires_nothing(shared: Shared) -> None:
    made = shared.grant()["GrantId"]
    found = refusal(lambda: shared.kms(HUB).retire_grant(KeyId=shared.key, GrantId=made, DryRun=True))
    assert found[0] == "DryRunOperationException"
    assert made in shared.listed()
