"""Stand-ins for commands that a build instance has and this machine must not run: they record what they were asked.

They lie first on PATH inside the sandbox. Each writes one line, quoted as the shell would need it, to the instance's
record; the build's log and its outcome say what was recorded and not executed.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = "/run/stand-ins"
"""Where the sandbox shows them."""

RECORD = "/run/recorded"
"""Where the sandbox shows the instance's record."""

PACKAGE_MANAGERS = (
    "yum", "dnf", "microdnf", "yum-config-manager", "apt-get", "apt", "apt-key", "add-apt-repository", "rpm", "dpkg",
    "zypper", "snap", "pip", "pip3", "amazon-linux-extras",
)  # fmt: skip
SERVICES = ("systemctl", "service", "chkconfig", "update-rc.d")
POWER = ("reboot", "shutdown", "halt", "poweroff", "telinit")
OWNERSHIP = (
    "useradd",
    "userdel",
    "usermod",
    "groupadd",
    "groupdel",
    "groupmod",
    "chown",
    "chgrp",
    "setenforce",
    "sysctl",
)
"""The sandbox knows one user only, so users and owners can be recorded but not made."""

_HEADER = f"""#!/bin/bash
name=${{0##*/}}
line=$(printf '%q ' "$name" "$@")
line=${{line% }}
asked() {{ grep -qE -- "$1" {RECORD}; }}
"""

_KEEP = f"""printf '%s\\n' "$line" >> {RECORD}
echo "recorded, not executed: $line" >&2
"""

_PACKAGES = (
    _HEADER
    + r"""package="${!#}"
pattern="^(yum|dnf|microdnf|apt-get|apt|rpm|dpkg|zypper) .*(install|-[iUF]).* ${package}( |$|[-=.])"
case "$name $1" in
  "rpm -q" | "dpkg -s" | "dpkg -l")
    # Questions are answered from the record: a package counts as there when a manager was asked to install it.
    if asked "$pattern"; then echo "$package"; exit 0; fi
    echo "package $package is not installed"
    exit 1
    ;;
esac
"""
    + _KEEP
)

_SERVICE = (
    _HEADER
    + r"""unit="${!#}"
case "$name $1" in
  "systemctl is-enabled") asked "^systemctl .*enable.* ${unit}( |$)" && echo enabled && exit 0; echo disabled; exit 1 ;;
  "systemctl is-active" | "systemctl status")
    asked "^(systemctl|service) .*(start|--now)" && asked "^(systemctl|service) .*${unit}( |$)" && {
      echo active
      exit 0
    }
    echo inactive
    exit 3
    ;;
esac
"""
    + _KEEP
)

_SUDO = (
    _HEADER
    + f"""printf '%s\\n' "$line (executed as root)" >> {RECORD}
"""
    + r"""while [ $# -gt 0 ]; do
  case "$1" in
    -u | -g | -h | -p | -C | -r | -t | -T | -U | --user | --group | --host | --prompt) shift 2 ;;
    --) shift; break ;;
    -*) shift ;;
    *=*) export "$1"; shift ;;
    *) break ;;
  esac
done
[ $# -eq 0 ] && exec /bin/bash
exec "$@"
"""
)

_NETWORK = (
    _HEADER
    + f"""printf '%s\\n' "$line (failed: the sandbox has no network)" >> {RECORD}
"""
    + r"""for word in "$@"; do case "$word" in *://*) host=${word#*://}; host=${host%%[/:]*} ;; esac; done
if [ "$name" = curl ]; then echo "curl: (6) Could not resolve host: ${host:-?}" >&2; exit 6; fi
echo "wget: unable to resolve host address '${host:-?}'" >&2
exit 4
"""
)


def install(folder: Path) -> tuple[str, ...]:
    """Write the stand-ins into a folder and name them; repeating it changes nothing."""
    scripts = {
        **dict.fromkeys(PACKAGE_MANAGERS, _PACKAGES),
        **dict.fromkeys(SERVICES, _SERVICE),
        **dict.fromkeys((*POWER, *OWNERSHIP), _HEADER + _KEEP),
        "sudo": _SUDO,
        **dict.fromkeys(("curl", "wget"), _NETWORK),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in scripts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)
    return tuple(scripts)
