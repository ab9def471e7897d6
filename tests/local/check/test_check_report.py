"""The report of a check: its verdict, and its forms."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import pytest
from rich.console import Console

from local.check.access_change import AccessRow
from local.check.check_report import CheckReport, StackReport, Verdict, in_cell
from local.check.preview_events import Change, Operation, Preview, Violation
from model.files.guarded import Guarded

KEY = Change(Operation.DELETE, "aws:kms/key:Key", "image-key")
BUCKET = Change(Operation.REPLACE, "aws:s3/bucket:Bucket", "scripts")
ROLE = Change(Operation.DELETE, "aws:iam/role:Role", "role")
BROKEN = Violation("kms-key-enable-rotation", "image-key", "it <b>does</b> | not_rotate")
LOST = AccessRow("arn:aws:iam::222222222222:role/ledger", "eu-west-1", "can", "not a consumer")
KEPT = AccessRow("arn:aws:iam::222222222222:role/ledger", "us-east-1", "can", "can")


def report(*stacks: StackReport, problems: tuple[str, ...] = ()) -> CheckReport:
    return CheckReport("main (0123456789)", stacks, problems)


@pytest.mark.parametrize(
    ("stack", "verdict"),
    [
        (StackReport(Preview("ledger")), Verdict.CLEAN),
        (StackReport(Preview("ledger", changes=(ROLE,))), Verdict.CLEAN),
        (StackReport(Preview("ledger", violations=(BROKEN,))), Verdict.VIOLATIONS),
        (StackReport(Preview("ledger", changes=(KEY,))), Verdict.VIOLATIONS),
        (StackReport(Preview("ledger", changes=(BUCKET,)), frozenset({Guarded.KEYS})), Verdict.VIOLATIONS),
        (StackReport(Preview("ledger", changes=(KEY, BUCKET)), frozenset(Guarded)), Verdict.CLEAN),
        (
            StackReport(
                Preview("ledger", changes=(Change(Operation.DELETE, KEY.type, "k", protected=True),)),
                frozenset(Guarded),
            ),
            Verdict.VIOLATIONS,
        ),
        (StackReport(Preview("ledger", violations=(BROKEN,), errors=("no subnet",))), Verdict.BROKEN),
    ],
)
def test_a_stack_is_judged_by_its_violations_and_by_what_ends(stack: StackReport, verdict: Verdict) -> None:
    assert stack.verdict is verdict
    assert report(StackReport(Preview("landing-zone")), stack).verdict is verdict


def test_what_is_wrong_beside_the_stacks_is_a_violation() -> None:
    clean = StackReport(Preview("ledger"))
    assert report(clean, problems=("a waiver expired",)).verdict is Verdict.VIOLATIONS
    assert report().conclusion == "The change affects no stack."
    assert report(clean).conclusion == "1 stack previewed: nothing stands in the way."


WHOLE = report(
    StackReport(Preview("landing-zone", pending=("1 not to be judged",), waived=("rule of *-role, until x",))),
    StackReport(Preview("ledger", (KEY, BUCKET, ROLE), (BROKEN,)), frozenset({Guarded.BUCKETS}), (KEPT, LOST)),
    StackReport(Preview("payroll", errors=("```\nno subnet",))),
    problems=("policies/waivers.yaml: expired",),
)


def test_the_comment_tells_everything_and_its_tables_hold() -> None:
    text = WHOLE.markdown()
    assert text.startswith("<!-- golden-ami check -->\n## 1 of 3 stacks could not be previewed.\n")
    assert "| ledger |  |  | 1 | 2 | 1 violation, 1 refused ending |" in text
    assert "it \\<b\\>does\\</b\\> \\| not\\_rotate" in text
    assert "- **Refused: image-key (aws:kms/key:Key) would be deleted.** To let it go, add `keys`" in text
    assert "- scripts is protected: lift that with `pulumi state unprotect` before the update." in text
    assert "| replace | aws:s3/bucket:Bucket | **scripts** |  |" in text
    assert "| delete | aws:iam/role:Role | role |  |" in text
    assert "| eu-west-1 | can | **not a consumer** |" in text
    assert "us-east-1" not in text
    assert "'''\nno subnet" in text
    assert "- **To mend:** policies/waivers.yaml: expired" in text
    assert "- rule of \\*-role, until x" in text
    assert "- 1 not to be judged" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


class Tags(HTMLParser):
    """Checks that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_tells_the_same_and_runs_nothing() -> None:
    page, tags = WHOLE.html(), Tags()
    tags.feed(page)
    assert tags.open == []
    assert not {"script", "img", "link", "iframe"} & set(tags.seen)
    assert "it &lt;b&gt;does&lt;/b&gt; | not_rotate" in page
    for told in ("<strong>scripts</strong>", "<strong>not a consumer</strong>", "Refused: image-key", "no subnet"):
        assert told in page


def test_the_table_has_a_line_for_each_stack() -> None:
    text = io.StringIO()
    Console(file=text, width=140).print(WHOLE.table())
    (line,) = [line for line in text.getvalue().splitlines() if "ledger" in line]
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "ledger",
        "",
        "",
        "1",
        "2",
        "1",
        "1 violation, 1 refused ending",
    ]


def test_text_in_a_cell_means_nothing_but_itself() -> None:
    assert in_cell("a|b\n*c* `d` [e](f) <g> ~~h~~") == "a\\|b \\*c\\* \\`d\\` \\[e\\](f) \\<g\\> \\~\\~h\\~\\~"
