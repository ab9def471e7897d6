"""What arrives at the local cloud's address: who may call, what is answered here, and what goes on to ministack."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud.call import Credentials

HUB, TARGET = "111111111111", "222222222222"
HOME, AWAY = "us-east-1", "eu-west-1"
COMPONENT = f"arn:aws:imagebuilder:us-east-1:{HUB}:component/a/1.0.0/1"
THING = f"arn:aws:imagebuilder:us-east-1:{HUB}:thing/one"


def refusal(call: Callable[[], Any]) -> tuple[str, str, int]:
    """Code, message and status of a refused call."""
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def with_header(client: Any, name: str, value: str | bytes) -> Any:
    """The client, adding a header after it has signed, as a proxy would."""

    def add(request: Any, **_event: Any) -> None:
        request.headers[name] = value

    client.meta.events.register("before-send", add)
    return client


def with_field(client: Any, operation: str, **fields: str) -> Any:
    """The client, adding form fields to an operation of EC2 before it signs."""

    def add(params: Any, **_event: Any) -> None:
        params["body"].update(fields)

    client.meta.events.register(f"before-call.ec2.{operation}", add)
    return client


def test_a_call_reaches_its_service_with_its_caller_region_and_parameters(running: Any) -> None:
    who = running.user("imagebuilder:GetComponent")
    builder = running.client("imagebuilder", who, AWAY)
    assert builder.get_component(componentBuildVersionArn=COMPONENT)["component"] == {"arn": COMPONENT, "name": "one"}
    (call,) = running.builder.calls
    assert (call.service, call.operation, call.region) == ("imagebuilder", "GetComponent", AWAY)
    assert call.parameters == {"componentBuildVersionArn": COMPONENT}
    assert (call.caller.account, call.caller.arn) == (HUB, f"arn:aws:iam::{HUB}:user/somebody")
    assert call.caller.credentials == who
    assert call.context == {}


def test_a_session_of_a_role_is_the_caller_by_its_session_s_name(running: Any) -> None:
    who = running.user("sts:AssumeRole")
    arn = running.role("builder", {"AWS": f"arn:aws:iam::{HUB}:root"}, "imagebuilder:GetComponent")
    session = running.gateway.assume_role(who, arn, "night")
    running.client("imagebuilder", session).get_component(componentBuildVersionArn=COMPONENT)
    (call,) = running.builder.calls
    assert (call.caller.account, call.caller.arn) == (HUB, f"arn:aws:sts::{HUB}:assumed-role/builder/night")
    assert call.caller.credentials == session


def test_a_session_without_its_token_is_refused(running: Any) -> None:
    arn = running.role("builder", {"AWS": f"arn:aws:iam::{HUB}:root"}, "imagebuilder:*")
    session = running.gateway.assume_role(running.user("sts:AssumeRole"), arn, "night")
    for token in (None, "another"):
        stolen = Credentials(session.access_key_id, session.secret_access_key, token)
        builder = running.client("imagebuilder", stolen)
        _, _, status = refusal(lambda: builder.get_component(componentBuildVersionArn=COMPONENT))  # noqa: B023
        assert status == 403
    assert running.builder.calls == []


def test_a_root_may_do_everything_in_its_own_account(running: Any) -> None:
    running.client("imagebuilder", Credentials(TARGET, "root")).get_component(componentBuildVersionArn=COMPONENT)
    (call,) = running.builder.calls
    assert (call.caller.account, call.caller.is_root) == (TARGET, True)


@pytest.mark.parametrize(("service", "operation"), [("imagebuilder", "get"), ("ec2", "describe"), ("kms", "key")])
def test_a_wrong_secret_gives_a_wrong_signature(running: Any, service: str, operation: str) -> None:
    who = running.user("*")
    client = running.client(service, Credentials(who.access_key_id, "guessed"))
    calls: dict[str, Callable[[], Any]] = {
        "get": lambda: client.get_component(componentBuildVersionArn=COMPONENT),
        "describe": lambda: client.describe_images(),
        "key": lambda: client.describe_key(KeyId="a"),
    }
    code, _, status = refusal(calls[operation])
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    assert running.builder.calls == running.images.calls == running.keys.calls == []


def test_a_body_that_was_changed_after_signing_gives_a_wrong_signature(running: Any) -> None:
    ec2 = running.client("ec2", running.user("*"))

    def change(request: Any, **_event: Any) -> None:
        request.body = request.body.replace("ami-1", "ami-2")

    ec2.meta.events.register("before-send", change)
    code, _, _ = refusal(lambda: ec2.describe_images(ImageIds=["ami-1"]))
    assert code == "SignatureDoesNotMatch"


def test_an_unknown_access_key_is_refused(running: Any) -> None:
    builder = running.client("imagebuilder", Credentials("AKIAIOSFODNN7EXAMPLE", "secret"))
    code, _, status = refusal(lambda: builder.get_component(componentBuildVersionArn=COMPONENT))
    assert (code, status) == ("UnrecognizedClientException", 403)
    assert running.builder.calls == []


def test_a_deactivated_access_key_is_refused(running: Any) -> None:
    who = running.user("imagebuilder:*")
    running.client("iam").update_access_key(UserName="somebody", AccessKeyId=who.access_key_id, Status="Inactive")
    builder = running.client("imagebuilder", who)
    code, _, _ = refusal(lambda: builder.get_component(componentBuildVersionArn=COMPONENT))
    assert code == "InvalidClientTokenId"


def test_a_caller_whom_no_policy_allows_is_refused_by_action_and_resource(running: Any) -> None:
    builder = running.client("imagebuilder", running.user("imagebuilder:ListComponents"))
    code, message, status = refusal(lambda: builder.get_component(componentBuildVersionArn=COMPONENT))
    assert (code, status) == ("AccessDeniedException", 403)
    assert message == (
        f"User: arn:aws:iam::{HUB}:user/somebody is not authorized to perform: imagebuilder:GetComponent "
        f"on resource: {THING} because no identity-based policy allows the imagebuilder:GetComponent action"
    )
    assert running.builder.calls == []


def test_an_explicit_deny_says_so(running: Any) -> None:
    who = running.user("imagebuilder:*")
    statement = {"Effect": "Deny", "Action": "imagebuilder:GetComponent", "Resource": THING}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    running.client("iam").put_user_policy(UserName="somebody", PolicyName="denied", PolicyDocument=document)
    builder = running.client("imagebuilder", who)
    _, message, _ = refusal(lambda: builder.get_component(componentBuildVersionArn=COMPONENT))
    assert message.endswith("with an explicit deny in an identity-based policy")


@pytest.mark.parametrize("resource", [THING, "arn:aws:imagebuilder:*:*:thing/*"])
def test_a_policy_for_the_resource_allows(running: Any, resource: str) -> None:
    who = running.user("imagebuilder:GetComponent", resource=resource)
    builder = running.client("imagebuilder", who)
    assert builder.get_component(componentBuildVersionArn=COMPONENT)
    _, message, _ = refusal(lambda: builder.list_tags_for_resource(resourceArn=COMPONENT))
    assert "imagebuilder:ListTagsForResource" in message


def test_a_policy_for_another_resource_does_not_allow(running: Any) -> None:
    who = running.user("imagebuilder:GetComponent", resource=THING.replace("one", "two"))
    builder = running.client("imagebuilder", who)
    assert refusal(lambda: builder.get_component(componentBuildVersionArn=COMPONENT))[0] == "AccessDeniedException"


def test_tags_of_a_call_are_condition_keys(running: Any) -> None:
    condition = {"StringEquals": {"aws:RequestTag/product": "ledger"},
                 "ForAllValues:StringEquals": {"aws:TagKeys": ["product"]}}  # fmt: skip
    builder = running.client("imagebuilder", running.user("imagebuilder:TagResource", condition=condition))
    builder.tag_resource(resourceArn=COMPONENT, tags={"product": "ledger"})
    for tags in ({"product": "payroll"}, {"product": "ledger", "more": "yes"}):
        code, _, _ = refusal(lambda: builder.tag_resource(resourceArn=COMPONENT, tags=tags))  # noqa: B023
        assert code == "AccessDeniedException"


def test_a_service_that_authorizes_itself_is_called_without_a_policy(running: Any) -> None:
    running.client("ec2", running.user()).describe_images(ImageIds=["ami-1"])
    assert len(running.images.calls) == 1


def test_an_operation_that_a_whole_service_lacks_names_itself(running: Any) -> None:
    builder = running.client("imagebuilder", running.user("imagebuilder:*"))
    code, message, status = refusal(lambda: builder.list_workflows())
    assert (code, status) == ("UnsupportedOperation", 501)
    assert message == "The local cloud does not do imagebuilder:ListWorkflows."


def test_what_is_no_operation_of_a_whole_service_is_named_by_method_and_path(running: Any) -> None:
    builder = running.client("imagebuilder", running.user("imagebuilder:*"))

    def redirect(request: Any, **_event: Any) -> None:
        request.url = request.url.replace("/ListWorkflows", "/Sing")

    builder.meta.events.register("before-send", redirect)
    _, message, _ = refusal(lambda: builder.list_workflows())
    assert message == "The local cloud does not do imagebuilder:POST /Sing."


def test_an_operation_that_a_service_in_part_lacks_is_ministack_s(running: Any) -> None:
    assert running.client("ec2").describe_vpcs()["Vpcs"]
    assert running.images.calls == []


def test_ministack_s_operations_are_decided_on_by_the_same_policies(running: Any) -> None:
    ec2 = running.client("ec2", running.user("ec2:DescribeSubnets"))
    assert ec2.describe_subnets()["Subnets"]
    code, _, status = refusal(lambda: ec2.describe_vpcs())
    assert (code, status) == ("UnauthorizedOperation", 403)


def test_a_path_may_hold_an_arn_with_its_slashes(running: Any) -> None:
    builder = running.client("imagebuilder", running.user("imagebuilder:*"))
    assert builder.list_tags_for_resource(resourceArn=COMPONENT)["tags"] == {"of": COMPONENT}


def test_an_escaped_percent_in_a_path_is_itself(running: Any) -> None:
    builder = running.client("imagebuilder", running.user("imagebuilder:*"))
    named = f"{COMPONENT}%2Fx"
    assert builder.list_tags_for_resource(resourceArn=named)["tags"] == {"of": named}


@pytest.mark.parametrize("name", ["Colour", "ImageIdx.1", "Colour.1.Name"])
def test_a_parameter_that_ec2_does_not_have_is_refused_by_name(running: Any, name: str) -> None:
    ec2 = with_field(running.client("ec2", running.user()), "DescribeImages", **{name: "red"})
    code, message, _ = refusal(lambda: ec2.describe_images(ImageIds=["ami-1"]))
    assert code == "UnknownParameter"
    assert message == f"The parameter {name} is not recognized"
    assert running.images.calls == []


@pytest.mark.parametrize(("service", "code"), [("imagebuilder", "ValidationException"), ("kms", "ValidationException"),
                                               ("ec2", "InvalidParameterValue")])  # fmt: skip
def test_a_missing_parameter_is_refused_by_name(running: Any, service: str, code: str) -> None:
    client = running.client(service, running.user("*"), parameter_validation=False)
    calls: dict[str, tuple[Callable[[], Any], str]] = {
        "imagebuilder": (lambda: client.get_component(), "componentBuildVersionArn"),
        "kms": (lambda: client.describe_key(), "KeyId"),
        "ec2": (lambda: client.deregister_image(), "ImageId"),
    }
    call, name = calls[service]
    found, message, status = refusal(call)
    assert (found, status) == (code, 400)
    assert name in message


@pytest.mark.parametrize("service", ["imagebuilder", "kms", "ec2"])
def test_an_error_of_a_service_arrives_with_its_code_message_and_status(running: Any, service: str) -> None:
    client = running.client(service, running.user("*"))
    calls: dict[str, tuple[Callable[[], Any], str]] = {
        "imagebuilder": (lambda: client.delete_component(componentBuildVersionArn=COMPONENT), "DeleteComponent"),
        "kms": (lambda: client.schedule_key_deletion(KeyId="a"), "ScheduleKeyDeletion"),
        "ec2": (lambda: client.deregister_image(ImageId="ami-1"), "DeregisterImage"),
    }
    call, operation = calls[service]
    assert refusal(call) == ("ResourceInUse", f"{operation} <is> & stays refused", 409)


def test_a_fault_of_the_cloud_itself_is_told_and_named(running: Any) -> None:
    builder = running.client("imagebuilder", running.user("imagebuilder:*"))
    code, message, status = refusal(lambda: builder.list_components())
    assert (code, status) == ("InternalFailure", 500)
    assert "ListComponents" in message


def test_services_of_this_process_say_through_whom_they_call(running: Any) -> None:
    who = running.user()
    running.gateway.key_client(who, HOME, "ec2.us-east-1.amazonaws.com").describe_key(KeyId="a")
    running.gateway.key_client(who, HOME, None).describe_key(KeyId="a")
    assert [dict(call.context) for call in running.keys.calls] == [
        {"kms:ViaService": "ec2.us-east-1.amazonaws.com"},
        {},
    ]
    assert {call.caller.credentials for call in running.keys.calls} == {who}


@pytest.mark.parametrize("token", ["", "guess", "ü", " "])
def test_nobody_else_can_say_through_whom_they_call(running: Any, token: str) -> None:
    claimed = f'{token};{{"kms:ViaService": "ec2.us-east-1.amazonaws.com"}}'
    kms = with_header(running.client("kms", running.user()), "x-golden-ami-context", claimed.encode("latin-1"))
    kms.describe_key(KeyId="a")
    assert [dict(call.context) for call in running.keys.calls] == [{}]


DENY_HTTP = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}


@pytest.mark.parametrize("service", ["imagebuilder", "sqs"])
def test_a_call_counts_as_encrypted_unless_it_says_that_it_came_over_plain_http(running: Any, service: str) -> None:
    who = running.user("imagebuilder:*", "sqs:*")
    document = json.dumps({"Version": "2012-10-17", "Statement": [DENY_HTTP]})
    running.client("iam").put_user_policy(UserName="somebody", PolicyName="tls", PolicyDocument=document)
    calls: dict[str, Callable[[Any], Any]] = {
        "imagebuilder": lambda client: client.get_component(componentBuildVersionArn=COMPONENT),
        "sqs": lambda client: client.list_queues(),
    }
    call = calls[service]
    assert call(running.client(service, who))
    assert call(with_header(running.client(service, who), "x-forwarded-proto", "https"))
    plain = with_header(running.client(service, who), "x-forwarded-proto", "http")
    code, _, status = refusal(lambda: call(plain))
    assert code.startswith("AccessDenied")
    assert status == 403


def test_a_bucket_that_refuses_plain_http_refuses_it(running: Any) -> None:
    running.client("s3").create_bucket(Bucket="things")
    resources = ["arn:aws:s3:::things", "arn:aws:s3:::things/*"]
    document = {"Version": "2012-10-17", "Statement": [{**DENY_HTTP, "Principal": "*", "Resource": resources}]}
    running.client("s3").put_bucket_policy(Bucket="things", Policy=json.dumps(document))
    who = running.user("s3:*")
    running.client("s3", who).put_object(Bucket="things", Key="one", Body=b"1")
    plain = with_header(running.client("s3", who), "x-forwarded-proto", "http")
    assert refusal(lambda: plain.get_object(Bucket="things", Key="one"))[0] == "AccessDenied"
    assert running.client("s3", who).get_object(Bucket="things", Key="one")["Body"].read() == b"1"


def test_a_front_without_its_services_says_that_it_is_starting(running: Any, served: Any) -> None:
    _, front, _ = served
    gateway, front._gateway = front._gateway, None
    try:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{running.address}/_ministack/health")
    finally:
        front._gateway = gateway
    assert (caught.value.code, caught.value.headers["retry-after"]) == (503, "1")
    assert urllib.request.urlopen(f"{running.address}/_ministack/health").status == 200


def test_a_signed_address_of_ec2_is_a_call_too(running: Any) -> None:
    ec2 = running.client("ec2", running.user())
    address = ec2.generate_presigned_url("describe_images", Params={"ImageIds": ["ami-1", "ami-2"]}, HttpMethod="GET")
    with urllib.request.urlopen(address) as answer:
        assert b"<imageId>ami-2</imageId>" in answer.read()
    assert running.images.calls[0].parameters == {"ImageIds": ["ami-1", "ami-2"]}
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(address.replace("ami-2", "ami-3"))
    assert b"SignatureDoesNotMatch" in caught.value.read()
