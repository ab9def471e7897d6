"""Hardened instances pass their own validation, and fail it with any setting undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runtime.components.instances import Instance, launch

pytestmark = pytest.mark.stack

DROP_IN = "/etc/ssh/sshd_config.d/00-hardening.conf"
RPCBIND = "/usr/local/lib/systemd/system/rpcbind.service"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build with the hardening leaves."""
    folder = tmp_path_factory.mktemp("build")
    linux = launch(folder)
    linux.write("/etc/pam.d/su", "#%PAM-1.0\nauth sufficient pam_rootok.so\nauth include system-auth\n")
    linux.write("/etc/login.defs", "PASS_MAX_DAYS\t99999\nMAIL_DIR /var/spool/mail\n")
    linux.write("/etc/ssh/sshd_config", "Port 22\nInclude /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n")
    linux.write("/etc/crontab")
    linux.write(RPCBIND, "[Service]\n")
    linux.run("cis-hardening", "build")
    linux.machine.image(folder / "image")
    return folder / "image"


@pytest.fixture
def hardened(make: Callable[..., Instance], image: Path) -> Instance:
    return make(content=image)


def test_a_hardened_instance_passes_its_own_validation_and_takes_no_passwords(hardened: Instance) -> None:
    hardened.run("cis-hardening", "validate")
    hardened.run("test-no-password-login")
    assert not hardened.machine.path("/var/tmp/golden-ami-hardening").exists()


def test_hardening_twice_is_hardening_once(hardened: Instance) -> None:
    files = ("/etc/ssh/sshd_config", "/etc/login.defs", "/etc/pam.d/su")
    before = [hardened.machine.path(file).read_text() for file in files]
    hardened.run("cis-hardening")
    assert [hardened.machine.path(file).read_text() for file in files] == before


def test_what_was_there_and_is_not_the_hardenings_stays(hardened: Instance) -> None:
    assert "MAIL_DIR /var/spool/mail\n" in hardened.machine.path("/etc/login.defs").read_text()
    included, *others = hardened.machine.path("/etc/ssh/sshd_config").read_text().splitlines()
    assert (included, others) == ("Include /etc/ssh/sshd_config.d/*.conf", ["Port 22", "PasswordAuthentication yes"])
    rules = hardened.machine.path("/etc/pam.d/su").read_text().splitlines()
    assert rules[1:3] == ["auth sufficient pam_rootok.so", "auth required pam_wheel.so use_uid"]


def test_the_banner_and_the_services_are_the_products(linux: Instance) -> None:
    linux.write("/usr/local/lib/systemd/system/fax.service")
    linux.run("cis-hardening", Banner='Ours; isn\'t "yours"', Services="fax telex.socket")
    assert linux.machine.path("/etc/issue.net").read_text() == 'Ours; isn\'t "yours"\n'
    masked = [line for line in linux.machine.recorded() if "mask" in line]
    assert masked == ["systemctl mask --now fax.service"]


def test_a_mode_that_was_narrower_stays(linux: Instance) -> None:
    linux.machine.path("/etc/shadow").chmod(0o000)
    linux.run("cis-hardening", "build")
    assert linux.machine.path("/etc/shadow").stat().st_mode & 0o777 == 0


@pytest.mark.parametrize(
    ("undo", "told"),
    [
        (f"sed -i 's/PermitRootLogin no/PermitRootLogin yes/' {DROP_IN}", f"{DROP_IN} is not as the hardening"),
        ("rm /etc/sysctl.d/zz-hardening.conf", "/etc/sysctl.d/zz-hardening.conf is not as the hardening wrote it"),
        ("echo kernel.kptr_restrict=0 > /etc/sysctl.d/zzz.conf", "settings in zzz.conf are read after the hardening"),
        ("echo install rds /bin/true >> /etc/modprobe.d/hardening.conf", "/etc/modprobe.d/hardening.conf is not"),
        ("rm /etc/audit/rules.d/60-hardening.rules", "/etc/audit/rules.d/60-hardening.rules is not"),
        ("rm -f /etc/sudoers.d/60-hardening", "/etc/sudoers.d/60-hardening is not"),
        ("echo deny = 50 > /etc/security/faillock.conf", "/etc/security/faillock.conf is not"),
        ("rm /etc/security/limits.d/60-hardening.conf", "/etc/security/limits.d/60-hardening.conf is not"),
        ("rm /etc/systemd/journald.conf.d/60-hardening.conf", "/etc/systemd/journald.conf.d/60-hardening.conf is not"),
        ("echo umask 000 >> /etc/profile.d/60-hardening.sh", "/etc/profile.d/60-hardening.sh is not"),
        ("echo changed > /etc/issue.net", "/etc/issue.net is not"),
        ("chmod 0644 /etc/shadow", "too many may use /etc/shadow (644)"),
        ("chmod 0666 /etc/passwd", "too many may use /etc/passwd (666)"),
        ("chmod 0644 /etc/ssh/sshd_config", "too many may use /etc/ssh/sshd_config (644)"),
        ("chmod 0755 /etc/cron.d", "too many may use /etc/cron.d (755)"),
        ("chmod 0644 /etc/crontab", "too many may use /etc/crontab (644)"),
        ("sed -i '1i PasswordAuthentication yes' /etc/ssh/sshd_config", "reads other settings before the hardening"),
        ("echo > /etc/ssh/sshd_config.d/00-aaa.conf", "00-aaa.conf is read before the hardening"),
        ("sed -i 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 9/' /etc/login.defs", "PASS_MAX_DAYS 9, not 365"),
        ("sed -i /UMASK/d /etc/login.defs", "UMASK unset, not 027"),
        ("sed -i /pam_wheel/d /etc/pam.d/su", "/etc/pam.d/su lets everybody try"),
        ("systemctl unmask rpcbind", "rpcbind.service is disabled, not masked"),
        ("systemctl disable --now auditd", "auditd does not start"),
    ],
)
def test_hardening_that_was_undone_fails_the_image(hardened: Instance, undo: str, told: str) -> None:
    hardened.bash(undo)
    hardened.refuses("cis-hardening", "validate", told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("PasswordAuthentication yes\n", "sshd has PasswordAuthentication yes"),
        ("Port 22\n", "sshd has PasswordAuthentication unset, which is yes"),
        ("PasswordAuthentication no\n", "sshd has KbdInteractiveAuthentication unset, which is yes"),
        ("PasswordAuthentication yes\nInclude /etc/ssh/first.conf\n", "sshd has PasswordAuthentication yes"),
        ("Include first.conf\nMatch User guest\n  PasswordAuthentication=yes\n", "passwords within: Match User guest"),
        ("Match User guest\n  PasswordAuthentication no\n", "sshd has PasswordAuthentication unset, which is yes"),
    ],
)
def test_a_login_with_a_password_fails_the_test(linux: Instance, text: str, told: str) -> None:
    linux.write("/etc/ssh/first.conf", "passwordauthentication no\nKbdInteractiveAuthentication no\n")
    linux.write("/etc/ssh/sshd_config", text)
    linux.refuses("test-no-password-login", "test", told)


def test_the_first_value_counts_as_sshd_reads_it(linux: Instance) -> None:
    linux.write("/etc/ssh/sshd_config.d/10-a.conf", "PasswordAuthentication no\nKbdInteractiveAuthentication no\n")
    linux.write("/etc/ssh/sshd_config.d/20-b.conf", "PasswordAuthentication yes\n")
    linux.write("/etc/ssh/sshd_config", "Include sshd_config.d/*.conf\nPasswordAuthentication yes\n")
    linux.run("test-no-password-login")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("/etc/shadow", "guest:$6$salt$hash:19000:0:99999:7:::"),
        ("/etc/shadow", "guest:abJnggxhB/yWI:19000:0:99999:7:::"),
        ("/etc/shadow", "guest::19000:0:99999:7:::"),
        ("/etc/passwd", "guest:$6$salt$hash:1000:1000::/home/guest:/bin/bash"),
    ],
)
def test_an_account_with_a_usable_password_fails_the_test(hardened: Instance, file: str, line: str) -> None:
    hardened.bash(f"printf '%s\\n' 'locked:!$6$salt$hash:19000::::::' '{line}' >> {file}")
    if file == "/etc/passwd":
        hardened.bash("sed -i /^locked/d /etc/passwd")
    hardened.refuses("test-no-password-login", "test", "these accounts have a password, or need none:")
    assert hardened.log[-1].count("guest") == 1
    assert "locked" not in hardened.log[-1]
