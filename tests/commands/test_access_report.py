"""Launch access as a table, as JSON and as a page."""

import io
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from commands.access import Format, access
from commands.access_report import Report, Source
from model.files.landing_zone import LandingZone
from model.launch_access import Answer, Cell, Row, Step

CREATED = "arn:aws:iam::222222222222:role/ledger-instances"

CELLS = {
    Step.IMAGE: Cell(Answer.NO, missing=("allow <ec2:RunInstances> in policy & role",)),
    Step.CHANNEL: Cell(Answer.NOT_JUDGED, missing=("StringSomehow is not known",)),
    Step.INSTANCE: Cell(Answer.ROLES_OWN, missing=("allow it",)),
}


def report_of(landing_zone: LandingZone, **changes: Any) -> Report:
    cells = {step: Cell(Answer.YES, (f"policy x: {step.value}",)) for step in Step}
    good = Row(CREATED, "222222222222", "us-east-1", cells)
    bad = replace(good, region="eu-west-1", cells={**cells, **CELLS})
    return replace(Report("ledger", Source.PLANNED, (good, bad), landing_zone), **changes)


def printed(report: Report, form: Format, output: Path | None = None) -> tuple[int, str]:
    text = io.StringIO()
    code = access(report, form, output, Console(file=text, width=160))
    return code, text.getvalue()


def test_the_table_has_a_column_for_each_region_and_a_line_for_each_step(landing_zone: LandingZone) -> None:
    code, text = printed(report_of(landing_zone), Format.TABLE)
    assert code == 1
    assert "ledger-instances in workloads-production (222222222222)" in text
    lines = [line for line in text.splitlines() if line.startswith("│ image ")]
    assert [part.strip() for part in lines[0].split("│")[1:4]] == ["image", "yes", "no"]
    assert "eu-west-1: allow <ec2:RunInstances> in policy & role" in text
    assert "us-east-1: policy x: image" in text
    assert "ledger: 1 of 2 launches would fail" in text


def test_the_json_has_the_shape_that_its_module_documents(landing_zone: LandingZone) -> None:
    code, text = printed(report_of(landing_zone), Format.JSON)
    content = json.loads(text)
    assert code == 1
    assert {key: content[key] for key in ("version", "product", "source", "holds")} == {
        "version": 1,
        "product": "ledger",
        "source": "planned",
        "holds": False,
    }
    good, bad = content["launches"]
    assert (good["principal"], good["account"], good["accountName"], good["region"], good["holds"]) == (
        CREATED,
        "222222222222",
        "workloads-production",
        "us-east-1",
        True,
    )
    assert list(bad["steps"]) == [step.value for step in Step]
    assert bad["steps"]["image"] == {
        "answer": "no",
        "deciding": [],
        "missing": ["allow <ec2:RunInstances> in policy & role"],
    }


class Page(HTMLParser):
    """What of a page matters to those who cannot see its colours, and whether it loads anything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())


def test_the_page_says_in_words_what_it_says_in_colours_and_loads_nothing(landing_zone: LandingZone) -> None:
    text = report_of(landing_zone).html()
    page = Page(text)
    assert {answer.value for answer in Answer} <= set(page.words)
    assert ("html", {"lang": "en"}) in page.tags
    scopes = {attributes.get("scope") for tag, attributes in page.tags if tag == "th"}
    assert scopes == {"col", "row"}
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    styled = {attributes["class"] for tag, attributes in page.tags if tag == "span"}
    assert styled == {"answer yes", "answer no", "answer role-s-own", "answer not-judged"}
    assert all(f".{name.split()[1]} {{" in text for name in styled if name)


def test_the_page_escapes_what_policies_hold(landing_zone: LandingZone) -> None:
    text = report_of(landing_zone).html()
    assert "allow <ec2:RunInstances> in policy & role" not in text
    assert "allow &lt;ec2:RunInstances&gt; in policy &amp; role" in text


@pytest.mark.parametrize("form", list(Format))
def test_a_report_goes_into_a_file_where_one_is_named(landing_zone: LandingZone, form: Format, tmp_path: Path) -> None:
    output = tmp_path / "report"
    code, text = printed(report_of(landing_zone), form, output)
    assert code == 1
    assert str(output) in text
    written = output.read_text(encoding="utf-8")
    assert "ledger-instances" in written
    assert "\x1b" not in written


def test_where_every_step_holds_the_command_ends_well(landing_zone: LandingZone) -> None:
    report = report_of(landing_zone)
    assert printed(replace(report, rows=report.rows[:1]), Format.TABLE)[0] == 0
    own = {**report.rows[0].cells, Step.IMAGE: Cell(Answer.ROLES_OWN)}
    code, text = printed(replace(report, rows=(replace(report.rows[0], cells=own),)), Format.TABLE)
    assert code == 0
    assert "--live reads them" in " ".join(text.split())


def test_the_conclusion_tells_failing_launches_from_those_that_could_not_be_judged(landing_zone: LandingZone) -> None:
    report = report_of(landing_zone)
    good, bad = report.rows
    unjudged = replace(good, cells={**good.cells, Step.KEY: Cell(Answer.NOT_JUDGED)})
    counted = replace(report, rows=(good, bad, unjudged)).conclusion
    assert counted == "ledger: 1 of 3 launches would fail, 1 of 3 launches could not be judged"
    assert replace(report, rows=(unjudged,)).conclusion == "ledger: 1 of 1 launches could not be judged"
    assert replace(report, rows=(good,)).conclusion == "ledger: nothing planned stands in the way of a launch"


def test_a_product_without_consumers_says_so(landing_zone: LandingZone) -> None:
    code, text = printed(report_of(landing_zone, rows=()), Format.TABLE)
    assert (code, text.strip()) == (0, "ledger has no consumers: nobody launches from it")
