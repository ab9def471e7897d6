"""Policy documents as AWS takes them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.documents import PolicyDocument, Statement, in_parts, trust_policy


def test_single_values_stay_single_and_several_become_lists() -> None:
    statement = Statement("One", ("s3:GetObject",), ("a", "b"), principal={"AWS": ("x",)})
    assert statement.as_dict() == {
        "Sid": "One",
        "Effect": "Allow",
        "Principal": {"AWS": "x"},
        "Action": "s3:GetObject",
        "Resource": ["a", "b"],
    }


def test_conditions_keep_operator_key_and_values() -> None:
    statement = Statement("One", ("kms:Decrypt",), conditions={"ArnEquals": {"aws:PrincipalArn": ("a", "b")}})
    assert statement.as_dict()["Condition"] == {"ArnEquals": {"aws:PrincipalArn": ["a", "b"]}}


def test_a_trust_policy_names_no_resource() -> None:
    document = trust_policy(Statement("Trust", ("sts:AssumeRole",), principal={"Service": "ec2.amazonaws.com"}))
    assert "Resource" not in json.loads(document.json())["Statement"][0]


def test_equal_documents_give_equal_text() -> None:
    def document() -> PolicyDocument:
        return PolicyDocument((Statement("One", ("s3:GetObject",)),), id="x")

    assert document().json() == document().json()
    assert json.loads(document().json())["Version"] == "2012-10-17"


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=12), maximum=st.integers(250, 2_000))
def test_parts_keep_the_limit_and_say_the_same_in_the_same_order(sizes: list[int], maximum: int) -> None:
    statements = tuple(
        Statement(f"S{index}", ("ec2:RunInstances",), tuple(f"arn:aws:ec2:*:*:subnet/{each}" for each in range(size)))
        for index, size in enumerate(sizes)
    )
    parts = in_parts(PolicyDocument(statements), maximum)
    assert all(len(part.json()) <= maximum for part in parts)

    def pairs(document: PolicyDocument) -> list[tuple[str, str]]:
        return [(statement.sid, resource) for statement in document.statements for resource in statement.resources]

    assert [pair for part in parts for pair in pairs(part)] == pairs(PolicyDocument(statements))


def test_a_statement_that_no_part_can_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="statement One has more than 100 characters"):
        in_parts(PolicyDocument((Statement("One", ("a:B",), ("x" * 200,)),)), 100)
