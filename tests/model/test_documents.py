"""Policy documents as AWS takes them."""

import json

from model.documents import PolicyDocument, Statement, trust_policy


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
