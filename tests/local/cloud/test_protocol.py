"""What services answer, written by the local cloud and read back by the clients that AWS ships."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from local.cloud import protocol
from local.cloud.call import ServiceError
from local.cloud.protocol import HttpRequest

# Printable, and without what XML itself forbids or folds; spaces at the ends are part of a value.
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"]), max_size=12)
WORD = st.text("abcXYZ-_./:<>&\"' ", min_size=1, max_size=12)
NUMBER = st.integers(0, 2**31 - 1)
TIME = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
    lambda time: time.replace(microsecond=0, tzinfo=UTC)
)
TAGS = st.lists(st.fixed_dictionaries({"Key": WORD, "Value": TEXT}), min_size=1, max_size=3)


def optional(**members: Any) -> Any:
    """Outputs with any of the members; those with a value only, since a list without entries is not written."""
    return st.fixed_dictionaries({}, optional=members)


DEVICE = optional(
    DeviceName=WORD,
    Ebs=optional(SnapshotId=WORD, VolumeSize=NUMBER, Encrypted=st.booleans(), DeleteOnTermination=st.booleans()).filter(
        bool
    ),
).filter(bool)
IMAGE = optional(
    ImageId=WORD,
    Name=TEXT,
    Public=st.booleans(),
    CreationDate=WORD,
    Tags=TAGS,
    BlockDeviceMappings=st.lists(DEVICE, min_size=1, max_size=3),
    StateReason=st.fixed_dictionaries({"Code": WORD, "Message": TEXT}),
).filter(bool)
INSTANCE = optional(
    InstanceId=WORD,
    LaunchTime=TIME,
    State=st.fixed_dictionaries({"Code": NUMBER, "Name": WORD}),
    SecurityGroups=st.lists(st.fixed_dictionaries({"GroupId": WORD, "GroupName": TEXT}), min_size=1, max_size=2),
    Tags=TAGS,
).filter(bool)
KEY = st.fixed_dictionaries(
    {"KeyId": WORD},
    optional={
        "Arn": WORD,
        "CreationDate": TIME,
        "Enabled": st.booleans(),
        "Description": TEXT,
        "MultiRegion": st.booleans(),
    },
)
COMPONENT = optional(
    arn=WORD,
    name=TEXT,
    data=TEXT,
    encrypted=st.booleans(),
    tags=st.dictionaries(WORD, TEXT, max_size=3),
    supportedOsVersions=st.lists(TEXT, max_size=3),
    parameters=st.lists(optional(name=WORD, type=WORD, defaultValue=st.lists(TEXT, max_size=2)), max_size=2),
)
OUTPUTS = st.one_of(
    st.tuples(
        st.just("ec2"),
        st.just("DescribeImages"),
        optional(Images=st.lists(IMAGE, min_size=1, max_size=3), NextToken=WORD),
    ),
    st.tuples(
        st.just("ec2"),
        st.just("RunInstances"),
        optional(ReservationId=WORD, OwnerId=WORD, Instances=st.lists(INSTANCE, min_size=1, max_size=2)),
    ),
    st.tuples(st.just("ec2"), st.just("DeregisterImage"), optional(Return=st.booleans())),
    st.tuples(st.just("kms"), st.just("DescribeKey"), optional(KeyMetadata=KEY)),
    st.tuples(
        st.just("kms"),
        st.just("GenerateDataKeyWithoutPlaintext"),
        optional(CiphertextBlob=st.binary(min_size=1, max_size=40), KeyId=WORD),
    ),
    st.tuples(
        st.just("ssm"),
        st.just("GetParameters"),
        optional(
            Parameters=st.lists(optional(Name=WORD, Value=TEXT, Version=NUMBER, LastModifiedDate=TIME), max_size=3),
            InvalidParameters=st.lists(WORD, max_size=3),
        ),
    ),
    st.tuples(st.just("imagebuilder"), st.just("GetComponent"), optional(requestId=WORD, component=COMPONENT)),
    st.tuples(
        st.just("imagebuilder"),
        st.just("ListImages"),
        optional(
            requestId=WORD,
            nextToken=WORD,
            imageVersionList=st.lists(optional(arn=WORD, name=TEXT, version=WORD, owner=WORD), max_size=3),
        ),
    ),
)


def written(service: str, operation: str, output: dict[str, Any]) -> dict[str, Any]:
    """An output as botocore reads what was written of it."""
    model = protocol.service_model(service).operation_model(operation)
    answer = protocol.answer(model, output)
    parser = create_parser(protocol.protocol(service))
    response = {"body": answer.body, "headers": dict(answer.headers), "status_code": answer.status}
    read = parser.parse(response, model.output_shape)
    read.pop("ResponseMetadata")
    return read


@settings(max_examples=300, deadline=None)
@given(case=OUTPUTS)
def test_what_a_service_answers_is_what_a_client_reads(case: tuple[str, str, dict[str, Any]]) -> None:
    service, operation, output = case
    assert written(service, operation, output) == output


def test_times_keep_their_moment_in_every_protocol() -> None:
    moment = datetime(2026, 11, 2, 12, 30, 15, tzinfo=UTC)
    instance = {"Instances": [{"LaunchTime": moment}]}
    assert written("ec2", "RunInstances", instance) == instance
    assert written("kms", "DescribeKey", {"KeyMetadata": {"KeyId": "a", "CreationDate": moment}}) == {
        "KeyMetadata": {"KeyId": "a", "CreationDate": moment}
    }


INPUTS = st.one_of(
    st.tuples(
        st.just("ec2"),
        st.just("RunInstances"),
        st.fixed_dictionaries(
            {"MinCount": NUMBER, "MaxCount": NUMBER},
            optional={
                "ImageId": WORD,
                "SecurityGroupIds": st.lists(WORD, min_size=1, max_size=3),
                "BlockDeviceMappings": st.lists(DEVICE, min_size=1, max_size=3),
                "TagSpecifications": st.lists(
                    st.fixed_dictionaries({"ResourceType": WORD, "Tags": TAGS}), min_size=1, max_size=2
                ),
                "MetadataOptions": st.fixed_dictionaries({"HttpTokens": WORD, "HttpPutResponseHopLimit": NUMBER}),
            },
        ),
    ),
    st.tuples(
        st.just("ec2"),
        st.just("ModifyImageAttribute"),
        st.fixed_dictionaries(
            {"ImageId": WORD},
            optional={
                "Description": st.fixed_dictionaries({"Value": TEXT}),
                "LaunchPermission": st.fixed_dictionaries(
                    {"Add": st.lists(st.fixed_dictionaries({"UserId": WORD}), min_size=1, max_size=3)}
                ),
                "UserIds": st.lists(WORD, min_size=1, max_size=2),
            },
        ),
    ),
    st.tuples(
        st.just("kms"),
        st.just("Decrypt"),
        st.fixed_dictionaries(
            {"CiphertextBlob": st.binary(min_size=1, max_size=40)},
            optional={"KeyId": WORD, "EncryptionContext": st.dictionaries(WORD, TEXT, max_size=3)},
        ),
    ),
    st.tuples(
        st.just("imagebuilder"),
        st.just("CreateComponent"),
        st.fixed_dictionaries(
            {"name": WORD, "semanticVersion": WORD, "platform": WORD, "clientToken": WORD},
            optional={
                "data": TEXT.filter(bool),
                "tags": st.dictionaries(WORD, TEXT, min_size=1, max_size=3),
                "supportedOsVersions": st.lists(WORD, min_size=1, max_size=3),
            },
        ),
    ),
    st.tuples(
        st.just("imagebuilder"),
        st.just("TagResource"),
        st.fixed_dictionaries({"resourceArn": WORD, "tags": st.dictionaries(WORD, TEXT, min_size=1, max_size=3)}),
    ),
    st.tuples(
        st.just("imagebuilder"),
        st.just("UntagResource"),
        st.fixed_dictionaries({"resourceArn": WORD, "tagKeys": st.lists(WORD, min_size=1, max_size=3)}),
    ),
    st.tuples(
        st.just("imagebuilder"), st.just("GetComponent"), st.fixed_dictionaries({"componentBuildVersionArn": WORD})
    ),
)


def request(service: str, operation: str, parameters: dict[str, Any]) -> HttpRequest:
    """A call as botocore sends it."""
    model = protocol.service_model(service).operation_model(operation)
    sent = create_serializer(protocol.protocol(service), include_validation=False).serialize_to_request(
        parameters, model
    )
    prepare_request_dict(sent, "http://127.0.0.1:1")
    prepared: Any = create_request_object(sent).prepare()
    path, _, query = prepared.url.removeprefix("http://127.0.0.1:1").partition("?")
    body = prepared.body or b""
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in prepared.headers.items()
    }
    return HttpRequest(prepared.method, path, query, headers, body.encode() if isinstance(body, str) else bytes(body))


@settings(max_examples=300, deadline=None)
@given(case=INPUTS)
def test_what_a_client_sends_is_what_a_service_is_called_with(case: tuple[str, str, dict[str, Any]]) -> None:
    service, name, parameters = case
    sent = request(service, name, parameters)
    operation = protocol.operation_of(service, sent)
    assert operation is not None
    assert operation.name == name
    assert protocol.parameters(operation, sent) == parameters


def test_every_operation_of_image_builder_is_known_by_its_own_address() -> None:
    model = protocol.service_model("imagebuilder")
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].split("?")[0].replace("{resourceArn}", "arn%3Aaws%2Fa")
        found = protocol.operation_of("imagebuilder", HttpRequest(http["method"], path, "", {}, b""))
        assert found is not None
        assert found.name == name


@pytest.mark.parametrize(
    ("service", "request_"),
    [
        ("ec2", HttpRequest("POST", "/", "", {}, b"Action=SingSong&Version=2016-11-15")),
        ("ec2", HttpRequest("POST", "/", "", {}, b"")),
        ("kms", HttpRequest("POST", "/", "", {"x-amz-target": "TrentService.SingSong"}, b"{}")),
        ("imagebuilder", HttpRequest("GET", "/SingSong", "", {}, b"")),
        ("imagebuilder", HttpRequest("DELETE", "/CreateComponent", "", {}, b"{}")),
    ],
)
def test_a_request_for_no_operation_is_none(service: str, request_: HttpRequest) -> None:
    assert protocol.operation_of(service, request_) is None


def test_a_body_that_is_no_json_is_refused() -> None:
    sent = HttpRequest("POST", "/", "", {"x-amz-target": "TrentService.DescribeKey"}, b"{not json")
    operation = protocol.operation_of("kms", sent)
    assert operation is not None
    with pytest.raises(ServiceError) as refused:
        protocol.parameters(operation, sent)
    assert refused.value.code == "SerializationException"


@pytest.mark.parametrize(
    ("body", "word"),
    [(b'{"KeyId": 5}', "KeyId"), (b'{"KeyId": "a", "GrantTokens": [5]}', "GrantTokens"), (b"{}", "KeyId")],
)
def test_a_parameter_that_is_missing_or_of_the_wrong_type_is_refused_by_name(body: bytes, word: str) -> None:
    sent = HttpRequest("POST", "/", "", {"x-amz-target": "TrentService.DescribeKey"}, body)
    operation = protocol.operation_of("kms", sent)
    assert operation is not None
    with pytest.raises(ServiceError) as refused:
        protocol.parameters(operation, sent)
    assert refused.value.code == "ValidationException"
    assert word in refused.value.message


@settings(deadline=None)
@given(
    service=st.sampled_from(["ec2", "kms", "ssm", "imagebuilder", "sns", "s3"]),
    message=TEXT.filter(bool),
    status=st.sampled_from([400, 403, 404, 409, 500]),
)
def test_an_error_is_what_a_client_reads(service: str, message: str, status: int) -> None:
    no_shape: Any = None
    answer = protocol.error_answer(service, ServiceError("ThatFailed", message, status))
    response = {"body": answer.body, "headers": _lower(answer.headers), "status_code": answer.status}
    read = create_parser(protocol.protocol(service)).parse(response, no_shape)
    assert (read["Error"]["Code"], read["Error"]["Message"]) == ("ThatFailed", message)
    assert read["ResponseMetadata"]["HTTPStatusCode"] == status


def test_an_error_of_a_json_service_names_its_type_in_body_and_header() -> None:
    answer = protocol.error_answer("imagebuilder", ServiceError("ThatFailed", "why", 404))
    assert json.loads(answer.body) == {"__type": "ThatFailed", "message": "why"}
    assert answer.headers["x-amzn-ErrorType"] == "ThatFailed"


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
