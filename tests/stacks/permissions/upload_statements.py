"""What each statement of the upload side is for."""

from __future__ import annotations

from tests.stacks.permissions import upload_probes as probes
from tests.stacks.permissions.classification import Classified, Purpose
from tests.stacks.permissions.documents import Document

NEEDED, GUARD, ADMINISTRATION = Purpose


def _function(stem: str, *rows: Classified) -> tuple[Classified, ...]:
    """What both functions' documents have in common, and what is their own."""
    keep = probes.start_keeps_what_fails if stem == "start-build" else probes.report_keeps_what_fails
    log = probes.start_writes_its_log if stem == "start-build" else probes.report_writes_its_log
    work = probes.reconcile if stem == "start-build" else probes.report_an_outcome
    place = "reconciliation" if stem == "start-build" else "report"
    policy, trust = f"policy of {stem}", f"trust of {stem}"
    return (
        Classified(policy, "WriteLog", NEEDED, log, "log", "logs:"),
        Classified(policy, "KeepFailedEvents", NEEDED, keep, "dead-letter queue", "sqs:SendMessage"),
        Classified(trust, "AssumedByLambda", NEEDED, work, place, "cannot be assumed by Lambda"),
        *rows,
    )


def only_policies(document: Document) -> None:
    """Leave the account no more than the key's policy itself: without the statement nobody could put it back."""
    (statement,) = [entry for entry in document["Statement"] if entry["Sid"] == "EnableAccountPolicies"]
    statement["Action"] = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy"]


START = "policy of start-build"
REPORT = "policy of report-outcome"
LOOK = "reconciliation"

UPLOAD_STATEMENTS: tuple[Classified, ...] = (
    Classified("bucket", "RefusePlainHttp", GUARD, probes.read_a_script_over_plain_http, "plain HTTP", "AccessDenied"),
    Classified("bucket", "RefuseOtherKeys", GUARD, probes.write_under_another_key, "upload", "explicit deny"),
    Classified("bucket", "RefuseForeignBuilds", GUARD, probes.write_a_build, "upload", "AccessDenied"),
    Classified("bucket", "UploadByTeam", NEEDED, probes.team_uploads, "upload", "s3:PutObject"),
    Classified("bucket", "ListByTeam", NEEDED, probes.team_lists, "listing", "s3:ListBucket"),
    Classified("queue", "RefusePlainHttp", GUARD, probes.read_the_queue_over_plain_http, "plain HTTP", "AccessDenied"),
    Classified(
        "queue",
        "KeepUndeliveredEvents",
        NEEDED,
        probes.undelivered_events_are_kept,
        "dead-letter queue",
        "sqs:SendMessage",
    ),
    Classified("topic", "RefusePlainHttp", GUARD, probes.publish_over_plain_http, "plain HTTP", "Authorization"),
    Classified("topic", "PublishByAlarm", NEEDED, probes.alarm_reaches_the_topic, "alarm", "sns:Publish"),
    Classified(
        "data key", "EnableAccountPolicies", NEEDED, probes.reconcile, LOOK, "kms:GenerateDataKey", only_policies
    ),
    Classified(
        "data key",
        "KeyAdministration",
        ADMINISTRATION,
        probes.administrator_reads_the_data_key,
        "administration",
        "kms:GetKeyPolicy",
    ),
    Classified("data key", "UseByAlarm", NEEDED, probes.alarm_uses_the_key, "alarm", "kms:GenerateDataKey"),
    Classified(
        "data key",
        "UseByEvents",
        NEEDED,
        probes.undelivered_events_are_encrypted,
        "dead-letter queue",
        "kms:GenerateDataKey",
    ),
    Classified("data key", "UseByTeam", NEEDED, probes.team_uploads, "upload", "kms:GenerateDataKey"),
    Classified(
        "permissions of start-build",
        "StartedByUploads",
        NEEDED,
        probes.upload_is_delivered,
        "S3 event",
        "lambda:InvokeFunction",
    ),
    Classified(
        "permissions of start-build",
        "CalledByImageState",
        NEEDED,
        probes.image_state_reaches_the_start_function,
        "EventBridge",
        "lambda:InvokeFunction",
    ),
    Classified(
        "permissions of start-build",
        "CalledByReconciliation",
        NEEDED,
        probes.reconciliation_reaches_the_start_function,
        "EventBridge",
        "lambda:InvokeFunction",
    ),
    Classified(
        "permissions of report-outcome",
        "CalledByImageState",
        NEEDED,
        probes.image_state_reaches_the_report_function,
        "EventBridge",
        "lambda:InvokeFunction",
    ),
    *_function(
        "start-build",
        Classified(START, "ListScripts", NEEDED, probes.reconcile, LOOK, "s3:ListBucketVersions"),
        Classified(START, "ReadScripts", NEEDED, probes.reconcile, LOOK, "s3:GetObject"),
        Classified(START, "PinBuild", NEEDED, probes.reconcile, LOOK, "s3:PutObject"),
        Classified(START, "UseDataKey", NEEDED, probes.reconcile, LOOK, "kms:GenerateDataKey"),
        Classified(START, "StartPipeline", NEEDED, probes.reconcile, LOOK, "imagebuilder:ListImagePipelineImages"),
        Classified(START, "FollowImages", NEEDED, probes.reconcile, LOOK, "imagebuilder:GetImage"),
        Classified(START, "ReportUploads", NEEDED, probes.report_a_refused_upload, LOOK, "SNS:Publish|sns:Publish"),
    ),
    *_function(
        "report-outcome",
        Classified(REPORT, "ReadImages", NEEDED, probes.report_an_outcome, "report", "imagebuilder:GetImage"),
        Classified(REPORT, "FindSnapshots", NEEDED, probes.report_an_outcome, "report", "ec2:DescribeImages"),
        Classified(REPORT, "TagCopies", NEEDED, probes.report_an_outcome, "report", "ec2:CreateTags"),
        Classified(REPORT, "TagCopiesInTargets", NEEDED, probes.report_an_outcome, "report", "sts:AssumeRole"),
        Classified(REPORT, "PublishOutcome", NEEDED, probes.report_an_outcome, "report", "SNS:Publish|sns:Publish"),
        Classified(REPORT, "UseDataKey", NEEDED, probes.report_an_outcome, "report", "kms:GenerateDataKey"),
    ),
    Classified("upload policy of ledger-team", "UploadScripts", NEEDED, probes.team_uploads, "upload", "s3:PutObject"),
    Classified("upload policy of ledger-team", "ListScripts", NEEDED, probes.team_lists, "listing", "s3:ListBucket"),
    Classified(
        "upload policy of ledger-team", "EncryptScripts", NEEDED, probes.team_uploads, "upload", "kms:GenerateDataKey"
    ),
)

RECORDED_UPLOAD_STATEMENTS = {
    ("data key", "UseByLogs"): "the local cloud keeps log groups without asking for their key",
    (START, "WriteTraces"): "the local cloud has no X-Ray",
    (REPORT, "WriteTraces"): "the local cloud has no X-Ray",
}
"""Statements that the local cloud does not decide on, with the reason."""
