"""`make check-products`: every stack that a change can affect, previewed beside what is there and judged."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from commands.affected import DEFAULT_BASE, Change, affected, removed
from commands.audit import pack_waivers
from commands.project import INTERRUPTED, CommandError, product_names
from local.check.access_change import access_change
from local.check.base_state import BaseTree, base_cloud, deploy_base
from local.check.check_report import CheckReport, StackReport, Verdict
from local.check.engine_runs import Command, EngineRuns
from local.check.live_previews import live_commands
from local.check.preview_events import Preview, types_of
from local.cloud_process import CloudError
from local.environment import REPOSITORY, LocalFolder
from local.progress import Report
from local.stack_files import StackFiles
from local.stacks import PLAIN, StackError, Stacks
from local.start import prepared
from local.termination import interrupt_on_termination
from model.files.loading import LANDING_ZONE_STACK
from model.files.problems import FileError

FOLDER = LocalFolder(REPOSITORY / ".local" / "check", tools=REPOSITORY / ".local")
MARKDOWN, PAGE = FOLDER.path / "report.md", FOLDER.path / "report.html"
FAILURES = (CommandError, FileError, CloudError, StackError, ClientError, BotoCoreError, OSError)


def check(base: str, report: Report, *, live: bool = False) -> CheckReport:
    """Check the work tree against a commit of git; raises one of `FAILURES` where that cannot be done."""
    files = StackFiles.read(REPOSITORY)
    change = Change(REPOSITORY, base)
    bases = {name: product.base_image.product for name, product in files.products.items()}
    stacks = affected(change.paths, bases)
    against = f"{base} ({change.commit[:10]})"
    report.remark(f"{len(change.paths)} paths differ from {against}; affected: {', '.join(stacks) or 'no stack'}")
    gone = removed(change.paths, files.products)
    if not stacks:
        return CheckReport(against, (), _problems((), files, gone))
    tree = BaseTree(REPOSITORY, FOLDER.path / "base")
    try:
        tree.check_out(change.commit)
        before = product_names(tree.tree)
        if live:
            previews = _previews(live_commands(REPOSITORY, FOLDER, stacks), report)
        else:
            previews = _local(stacks, tree, files, report)
        with report.task("Predict who can launch, before and after"):
            found = tuple(_reported(previews[stack], tree, before, files) for stack in stacks if stack in previews)
    finally:
        tree.remove()
    missing = tuple(stack for stack in stacks if stack not in previews)
    remarks = (f"Not in the backend, and so not previewed: {', '.join(missing)}.",) if missing else ()
    return CheckReport(against, found, _problems(found, files, gone), remarks)


def _local(stacks: tuple[str, ...], tree: BaseTree, files: StackFiles, report: Report) -> dict[str, Preview]:
    """Previews on a local cloud that holds what the base has deployed; no credentials are used."""
    with base_cloud(FOLDER, report) as record:
        deploy_base(tree, FOLDER, record, report, stacks)
        session = prepared(FOLDER, record, report, files)
        here = Stacks(FOLDER, session.environment, report)
        for product in files.products.values():
            if product.name in stacks and product.allowed_deletions:
                # What the engine refuses for its protection ends a preview before the stack is judged as a whole.
                here.unprotect(product.name, types_of(product.allowed_deletions))
        commands = [
            Command(stack, tuple(here.preview_command(stack, *PLAIN)), session.environment, REPOSITORY)
            for stack in stacks
        ]
        return _previews(commands, report)


def _previews(commands: list[Command], report: Report) -> dict[str, Preview]:
    ended: list[str] = []
    title = f"Preview {len(commands)} stack{'' if len(commands) == 1 else 's'} with the policy pack"
    with report.task(title, len(commands)) as task:

        def done(preview: Preview) -> None:
            ended.append(preview.stack)
            task.update(f"{preview.stack} is done", len(ended))

        return EngineRuns(FOLDER.logs).previews(commands, done)


def _reported(preview: Preview, tree: BaseTree, before: list[str], files: StackFiles) -> StackReport:
    if preview.stack == LANDING_ZONE_STACK:
        return StackReport(preview)
    product = files.product(preview.stack)
    old = tree.tree if preview.stack in before else None
    return StackReport(preview, frozenset(product.allowed_deletions), access_change(preview.stack, old, REPOSITORY))


def _problems(found: tuple[StackReport, ...], files: StackFiles, gone: tuple[str, ...]) -> tuple[str, ...]:
    """What is wrong with waivers, and with products whose files are gone."""
    waivers = pack_waivers(datetime.now(UTC).date())
    expired = [
        f"policies/waivers.yaml: the waiver {waiver.label} expired on {waiver.expires}; mend what it excuses, or let "
        f"{waiver.owner} renew it"
        for waiver in waivers.expired
    ]
    # Only where every stack was previewed to its end, and nothing of the rule waits for the update, is a waiver known
    # to excuse nothing.
    whole = {stack.stack for stack in found} == {LANDING_ZONE_STACK, *files.products}
    judged = whole and all(stack.verdict is Verdict.CLEAN for stack in found)
    waiting = " ".join(pending for stack in found for pending in stack.preview.pending)
    used = {waived.partition(", until ")[0] for stack in found for waived in stack.preview.waived}
    unused = [
        f"policies/waivers.yaml: nothing needs the waiver {waiver.label} any more; take it out"
        for waiver in waivers.valid
        if judged and waiver.label not in used and f"({waiver.rule})" not in waiting
    ]
    orphaned = [
        f"stacks/Pulumi.{stack}.yaml is gone, and with it what says how to remove the stack: destroy {stack} first, "
        f"with `allowedDeletions` in its file"
        for stack in gone
    ]
    return (*expired, *unused, *orphaned)


def write(found: CheckReport) -> None:
    """Write the report in both forms."""
    FOLDER.path.mkdir(parents=True, exist_ok=True)
    MARKDOWN.write_text(found.markdown(), encoding="utf-8")
    PAGE.write_text(found.html(), encoding="utf-8")


def main(
    base: Annotated[str, typer.Option(help="Commit, branch or tag that the change is compared with.")] = DEFAULT_BASE,
    live: Annotated[
        bool, typer.Option("--live", help="Preview against AWS, with the environment's credentials and backend.")
    ] = False,
) -> None:
    """Preview and judge every stack that the work tree's change against a commit can affect.

    Without --live the real engine runs on a local cloud in the state of the base, and needs no credentials. Ends with
    0 where nothing stands in the way, 1 for violations, 2 where the check could not be done.
    """
    report = Report()
    interrupt_on_termination()
    for stale in (MARKDOWN, PAGE):
        stale.unlink(missing_ok=True)
    try:
        found = check(base, report, live=live)
    except FAILURES as error:
        report.console.print(str(error), style="red", markup=False)
        sys.exit(Verdict.BROKEN)
    except KeyboardInterrupt:
        report.remark("stopped; nothing is left running")
        sys.exit(INTERRUPTED)
    write(found)
    if found.stacks:
        report.console.print(found.table())
    for stack in found.stacks:
        for violation in stack.preview.violations:
            report.remark(f"{stack.stack}: {violation.rule}: {violation.message}")
        for change in stack.refused:
            report.remark(f"{stack.stack}: {change.name} would be {change.operation}d, which its file does not allow")
        for error in stack.preview.errors:
            report.remark(f"{stack.stack}: {error}")
    for problem in found.problems:
        report.remark(problem)
    report.remark(found.conclusion)
    report.remark(f"The report: {MARKDOWN} and {PAGE.name}")
    sys.exit(found.verdict)


if __name__ == "__main__":
    typer.run(main)
