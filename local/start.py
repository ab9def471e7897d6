"""The first half of every command that needs the local cloud: files checked, cloud up, accounts prepared."""

from __future__ import annotations

from local.account_setup import set_up
from local.cloud_process import CloudProcess, Record
from local.environment import REPOSITORY, LocalFolder, endpoint
from local.progress import Report
from local.session import Session
from local.stack_files import StackFiles
from local.stale_state import settle


def start(folder: LocalFolder, cloud: CloudProcess, report: Report) -> Session:
    """Start the cloud unless it runs and bring its accounts up to date; safe to repeat.

    Raises `FileError` before anything is started, and `CloudError`.
    """
    files = StackFiles.read(REPOSITORY)
    record = cloud.start(report)
    settle(folder, record.run, report)
    with report.task("Prepare the accounts: deployment roles, existing roles, people"):
        return prepared(folder, record, report, files)


def prepared(folder: LocalFolder, record: Record, report: Report, files: StackFiles) -> Session:
    """A session whose accounts hold all that files take for granted; what was prepared before stays."""
    folder.cloud.mkdir(parents=True, exist_ok=True)
    credentials = set_up(folder, files, endpoint(record.port), record.run)
    return Session(folder, report, files, record, credentials)
