"""The file tree of a build or test instance, kept between steps and carried from an image to the next instance."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

TREE = "tree"
RECORD = "recorded"
BASE = "base"
BOOTED = "booted"
LINUX = "Linux"
WINDOWS = "Windows"

_FOLDERS = (
    "boot", "dev", "etc/cron.d", "etc/profile.d", "etc/ssh", "etc/sysctl.d", "etc/systemd/system", "home", "media",
    "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr/local/bin", "usr/local/lib", "usr/local/etc",
    "usr/local/sbin", "usr/local/share", "var/cache", "var/lib", "var/log", "var/tmp",
)  # fmt: skip
_READ_ONLY = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "proc", "dev", "sys", "run")
_ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "shadow": "root:*:19000:0:99999:7:::\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "hostname": "localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
    "shells": "/bin/sh\n/bin/bash\n",
    "fstab": "",
}
_HOST_ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime")
_AMAZON_LINUX_2023 = 'NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n'
_AMAZON_LINUX_2 = 'NAME="Amazon Linux"\nVERSION="2"\nID="amzn"\nID_LIKE="centos rhel fedora"\nVERSION_ID="2"\n'
_AGENT = "systemctl enable --now amazon-ssm-agent"
_SNAP = ("snap install amazon-ssm-agent --classic", "systemctl enable --now snap.amazon-ssm-agent.amazon-ssm-agent")
_DNF = "dnf install -y audit amazon-ssm-agent awscli-2 openssh-server python3"
_SYSTEMS = (
    ("al2023-", _AMAZON_LINUX_2023, (_DNF, _AGENT)),
    ("amazon-eks-node-al2023-", _AMAZON_LINUX_2023, (_DNF, _AGENT)),
    ("amzn2-", _AMAZON_LINUX_2, ("yum install -y audit amazon-ssm-agent awscli openssh-server", _AGENT)),
    ("ubuntu/", 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', _SNAP),
    ("debian-", 'NAME="Debian GNU/Linux"\nID=debian\n', ()),
    ("RHEL-", 'NAME="Red Hat Enterprise Linux"\nID="rhel"\nID_LIKE="fedora"\n', ()),
)
"""How a public image's name begins, what its `/etc/os-release` says, and commands that would set up what it brings."""
RESTARTS = "^(Reboot|reboot|restart asked for|systemctl reboot|shutdown .*-r|telinit 6)( |$)"
"""Lines of the record with which an instance starts again, as a regular expression of awk and Python alike."""

_LINKS = 40


class FileError(OSError):
    """A file of the instance is not there, or may not be changed."""


@dataclass(frozen=True)
class Machine:
    """An instance's files and its record of what was not executed, under one folder of this machine."""

    folder: Path
    platform: str

    @property
    def tree(self) -> Path:
        """Root of the instance's file tree."""
        return self.folder / TREE

    @property
    def record(self) -> Path:
        """One line for each command that was recorded and not executed."""
        return self.folder / RECORD

    @property
    def base(self) -> Path:
        """One line for each command that would have set up what the base image brings; no build asked for them."""
        return self.folder / BASE

    @property
    def booted(self) -> Path:
        """How many lines the record held when the instance was launched; what came before is the image's."""
        return self.folder / BOOTED

    def boot_id(self) -> str:
        """What Linux calls itself until its next start, which the record tells of."""
        since = self.recorded()[int(self.booted.read_text(encoding="utf-8")) :]
        starts = sum(re.match(RESTARTS, line) is not None for line in since)
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.folder} {starts}"))

    @classmethod
    def boot(cls, folder: Path, platform: str, image_name: str, content: Path | None) -> Machine:
        """An instance of an image: a bare system, or the content that an earlier build gave the image.

        `image_name` is the image's name, by which public images say what system they hold.
        """
        machine = cls(folder, platform)
        folder.mkdir(parents=True)
        if content is not None:
            copy_tree(content, folder)
        machine.tree.mkdir(exist_ok=True)
        machine.record.touch()
        machine.base.touch()
        machine.booted.write_text(str(len(machine.recorded())), encoding="utf-8")
        if platform == WINDOWS:
            for name in ("Windows/Temp", "Program Files", "ProgramData", "Users/Administrator", "tmp"):
                (machine.tree / "C" / name).mkdir(parents=True, exist_ok=True)
        elif content is None:
            machine._lay_out_linux(image_name)
        return machine

    def _lay_out_linux(self, image_name: str) -> None:
        for name in _FOLDERS:
            (self.tree / name).mkdir(parents=True, exist_ok=True)
        for name in ("tmp", "var/tmp"):
            (self.tree / name).chmod(0o1777)
        etc = self.tree / "etc"
        for name, text in _ETC.items():
            (etc / name).write_text(text, encoding="utf-8")
        systems = ((text, base) for prefix, text, base in _SYSTEMS if image_name.startswith(prefix))
        release, base = next(systems, ('NAME="Linux"\nID=linux\n', ()))
        (etc / "os-release").write_text(release, encoding="utf-8")
        self.base.write_text("".join(f"{line}\n" for line in base), encoding="utf-8")
        for name in _HOST_ETC:
            source = Path("/etc") / name
            if source.is_dir():
                # What stands for manual pages is not missed by any script, and is most of what is here.
                shutil.copytree(source, etc / name, symlinks=True, ignore=shutil.ignore_patterns("*.gz"))
            elif source.exists():
                shutil.copy(source, etc / name)

    def image(self, folder: Path) -> None:
        """Keep the instance's content as an image's, without what a running system holds in memory."""
        folder.mkdir(parents=True)
        copy_tree(self.folder, folder)

    def discard(self) -> None:
        """Remove the files, as termination removes the volumes."""
        remove_tree(self.folder)

    def path(self, name: str, *, write: bool = False, follow: bool = True) -> Path:
        """Where this machine keeps a file of the instance; links are followed inside the instance only.

        Raises:
            FileError: The name is not absolute, leads round in links, or (with `write`) lies where the instance's
                system files are, which are this machine's own and read-only.
        """
        if self.platform == WINDOWS:
            return self._windows_path(name)
        if not name.startswith("/"):
            raise FileError(f"'{name}' is not an absolute path")
        parts = self._resolved(PurePosixPath(name), follow=follow)
        outside = parts and parts[0] in _READ_ONLY and parts[:2] != ["usr", "local"]
        if outside and write:
            raise FileError(f"'{name}': read-only file system")
        if outside:
            return Path("/", *parts)
        return self.tree.joinpath(*parts)

    def _windows_path(self, name: str) -> Path:
        path = PureWindowsPath(name)
        if not path.drive or not path.root or ".." in path.parts:
            raise FileError(f"'{name}' is not an absolute path")
        place = self.tree / path.drive[0].upper()
        for part in path.parts[1:]:
            # NTFS does not tell case apart.
            known = (entry.name for entry in place.iterdir()) if place.is_dir() else iter(())
            place /= next((entry for entry in known if entry.lower() == part.lower()), part)
        return place

    def _resolved(self, name: PurePosixPath, *, follow: bool) -> list[str]:
        waiting = list(reversed(name.parts[1:]))
        done: list[str] = []
        links = 0
        while waiting:
            part = waiting.pop()
            if part in (".", ""):
                continue
            if part == "..":
                del done[-1:]
                continue
            place = self.tree.joinpath(*done, part)
            if place.is_symlink() and (waiting or follow):
                links += 1
                if links > _LINKS:
                    raise FileError(f"'{name}': too many levels of symbolic links")
                target = PurePosixPath(place.readlink())
                if target.is_absolute():
                    done = []
                waiting.extend(reversed([entry for entry in target.parts if entry != "/"]))
                continue
            done.append(part)
        return done

    def recorded(self) -> list[str]:
        """Everything recorded so far, oldest first."""
        return self.record.read_text(encoding="utf-8", errors="replace").splitlines()

    def note(self, lines: Iterable[str]) -> None:
        """Record what was not executed."""
        with self.record.open("a", encoding="utf-8") as record:
            record.writelines(f"{' '.join(line.split())}\n" for line in lines)


def copy_tree(source: Path, target: Path) -> None:
    """Copy files, links and modes; sockets and devices that a script left behind do not enter an image."""

    def special(folder: str, names: list[str]) -> list[str]:
        entries = ((name, Path(folder, name)) for name in names)
        return [n for n, e in entries if not (e.is_symlink() or e.is_dir() or e.is_file())]

    shutil.copytree(source, target, symlinks=True, ignore=special, dirs_exist_ok=True)


def remove_tree(folder: Path) -> None:
    """Remove a tree although a script took its folders' write permission."""

    def unlock(function: object, path: str, _error: object) -> None:
        Path(path).parent.chmod(0o700)
        Path(path).chmod(0o700)
        if callable(function):
            function(path)

    shutil.rmtree(folder, onerror=unlock)
