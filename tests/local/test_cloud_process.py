"""The cloud's process, with a small server in the cloud's place."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from local.cloud_process import ADDRESS, CloudError, CloudProcess, healthy, start_time
from local.progress import Report

SERVER = """
import http.server, subprocess, sys, tempfile
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
worker = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
open(arguments["--directory"] + "/worker", "w").write(str(worker.pid))
tempfile.mkstemp()

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(arguments["--port"])), Health).serve_forever()
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


@pytest.fixture
def report() -> Report:
    return Report(Console(file=StringIO()))


@pytest.fixture
def cloud(tmp_path: Path, port: int) -> Iterator[CloudProcess]:
    made = CloudProcess(tmp_path, port, (sys.executable, "-c", SERVER))
    yield made
    made.stop()


def test_the_cloud_answers_once_started_and_is_not_started_twice(cloud: CloudProcess, report: Report) -> None:
    first = cloud.start(report)
    assert healthy(cloud.port)
    assert cloud.start(report) == first


def test_stopping_ends_the_cloud_and_its_workers(cloud: CloudProcess, report: Report, tmp_path: Path) -> None:
    record = cloud.start(report)
    worker = int((tmp_path / "worker").read_text())
    assert start_time(worker) is not None
    assert cloud.stop()
    assert start_time(record.pid) is None
    assert start_time(worker) is None
    assert not cloud.stop()


def test_each_start_is_a_run_of_its_own(cloud: CloudProcess, report: Report) -> None:
    first = cloud.start(report)
    cloud.stop()
    assert cloud.start(report).run != first.run


def test_a_port_in_use_is_told_with_the_way_out(cloud: CloudProcess, report: Report) -> None:
    with socket.socket() as other:
        other.bind((ADDRESS, cloud.port))
        other.listen()
        way_out = f"make up GOLDEN_AMI_PORT={cloud.port + 1}"
        with pytest.raises(CloudError, match=rf"port {cloud.port} is in use .* {way_out}"):
            cloud.start(report)
    assert cloud.running() is None


def test_a_cloud_that_ends_at_once_is_told_with_its_last_line(tmp_path: Path, port: int, report: Report) -> None:
    broken = CloudProcess(tmp_path, port, (sys.executable, "-c", "import sys; sys.exit('no module for this')"))
    with pytest.raises(CloudError, match="exit code 1: no module for this"):
        broken.start(report)
    assert broken.running() is None


def test_a_process_that_only_shares_the_id_is_never_ended(cloud: CloudProcess, tmp_path: Path) -> None:
    somebody = {"pid": os.getpid(), "started": (start_time(os.getpid()) or 0) - 1, "port": cloud.port, "run": "old"}
    (tmp_path / "process.json").write_text(json.dumps(somebody))
    assert cloud.running() is None
    assert not cloud.stop()


def test_another_port_than_the_running_one_is_refused(cloud: CloudProcess, report: Report, tmp_path: Path) -> None:
    cloud.start(report)
    with pytest.raises(CloudError, match=f"runs on port {cloud.port} already"):
        CloudProcess(tmp_path, cloud.port + 1).start(report)


def test_what_the_cloud_leaves_behind_lies_in_its_folder_for_one_run(
    cloud: CloudProcess, report: Report, tmp_path: Path
) -> None:
    cloud.start(report)
    first = list((tmp_path / "tmp").iterdir())
    assert len(first) == 1
    cloud.stop()
    cloud.start(report)
    assert not first[0].exists()
