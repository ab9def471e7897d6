"""What a build leaves behind is gone from the image, and what the product needs is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runtime.components.instances import Instance, launch

pytestmark = pytest.mark.stack

LEFT = [
    "/root/.ssh/authorized_keys",
    "/home/ec2-user/.ssh/authorized_keys",
    "/var/lib/worker/.ssh/id_rsa",
    "/root/.aws/credentials",
    "/home/ec2-user/.aws/sso/cache/token.json",
    "/home/ec2-user/.bash_history",
    "/root/.python_history",
    "/root/key.pem",
    "/tmp/work/id_ed25519",
    "/var/tmp/login.ppk",
    "/root/.git-credentials",
    "/root/.docker/config.json",
    "/etc/ssh/ssh_host_ed25519_key",
    "/etc/machine-id",
    "/var/lib/cloud/instances/i-1/user-data.txt",
    "/var/lib/systemd/random-seed",
]
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"


USERS = "root:x:0:0::/root:/bin/bash\nworker:x:990:990::/var/lib/worker:/bin/bash\n"


@pytest.fixture
def used(linux: Instance) -> Instance:
    """An instance on which people and scripts have been."""
    linux.write("/etc/passwd", USERS)
    return linux


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build with the clean-up leaves."""
    folder = tmp_path_factory.mktemp("build")
    linux = launch(folder)
    linux.write("/etc/passwd", USERS)
    linux.run("clean-up")
    linux.machine.image(folder / "image")
    return folder / "image"


def test_clean_up_removes_all_that_a_build_leaves(used: Instance) -> None:
    files = [used.write(path, "a secret") for path in LEFT]
    used.run("clean-up")
    assert [file for file in files if file.exists() and file.stat().st_size] == []
    assert used.machine.path("/etc/machine-id").exists()


@pytest.mark.parametrize("path", LEFT)
def test_anything_left_fails_the_image(make: Callable[..., Instance], image: Path, path: str) -> None:
    clean = make(content=image)
    clean.write(path, "a secret")
    told = "/var/lib/cloud/instances" if "/cloud/" in path else path
    clean.refuses("clean-up", "validate", told)


def test_logs_are_emptied_and_old_ones_removed_but_for_what_is_read_after_it(used: Instance) -> None:
    log = used.write("/var/log/messages", "a secret")
    old = [used.write(f"/var/log/{name}") for name in ("messages-20260101", "a.log.1", "b.gz", "journal/1/x.journal")]
    executor = used.write("/var/log/amazon/console.log.1", "read later")
    used.run("clean-up")
    assert (log.read_text(), executor.read_text()) == ("", "read later")
    assert [path for path in old if path.exists()] == []


def test_what_the_product_needs_stays(used: Instance) -> None:
    kept = [
        used.write("/opt/ledger/notes"),
        used.write("/opt/ledger/server.pem", PRIVATE),
        used.write("/home/app/venv/certifi/cacert.pem", CERTIFICATE),
        used.write("/home/app/id_generator.py"),
        used.write("/home/app/.bashrc"),
        used.write("/etc/ssh/sshd_config"),
    ]
    bundle = used.write("/home/app/bundle.pem", CERTIFICATE + PRIVATE)
    used.run("clean-up")
    assert [path for path in kept if not path.exists()] == []
    assert not bundle.exists()


def test_temporary_files_and_caches_go_but_for_the_executors_own_and_those_in_use(used: Instance) -> None:
    gone = [
        used.write("/tmp/download/archive.zip"),
        used.write("/var/tmp/name with spaces"),
        used.write("/root/.cache/pip/x"),
        used.write("/var/cache/dnf/x"),
        used.write("/var/lib/apt/lists/x"),
    ]
    kept = [
        used.write("/tmp/TOE_2026-01-02/console.log"),
        used.write("/tmp/imagebuilder_service/state"),
        used.write("/tmp/skip_cleanup_sshfiles"),
        used.write("/tmp/workplace/notes"),
    ]
    used.bench.working_directory = "/tmp/workplace"
    used.run("clean-up")
    assert [path for path in gone if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []


def test_cleaning_up_what_is_clean_changes_nothing(used: Instance) -> None:
    used.run("clean-up")
    used.run("clean-up")
