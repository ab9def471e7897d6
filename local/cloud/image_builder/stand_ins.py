"""Stand-ins for commands that a build instance has and this machine must not run: they record what they were asked.

They lie first on PATH inside the sandbox. Each writes one line, quoted as the shell would need it, to the instance's
record; the build's log and its outcome say what was recorded and not executed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from local.cloud.image_builder import instance_calls, instance_metadata
from local.cloud.image_builder.machine import RESTARTS

FOLDER = "/run/stand-ins"
"""Where the sandbox shows them."""

RECORD = "/run/recorded"
"""Where the sandbox shows the instance's record."""

BASE = "/run/base"
"""Where the sandbox shows with which commands the base image's own packages and services would have been set up."""

BOOTED = "/run/booted"
"""Where the sandbox shows how many lines of the record are the image's."""

PACKAGED = "/run/packaged"
"""Where the sandbox shows commands that installed packages bring."""

INSTALLS = "^(yum|dnf|microdnf|apt-get|apt|rpm|dpkg|zypper) .*(install|-[iUF]).* {}( |$|[-=.])"
"""A line that installs a package, as a regular expression of grep and Python alike."""

_COMMANDS = {"awscli": ("aws", "aws-cli/1.0.0 local-cloud"), "awscli-2": ("aws", "aws-cli/2.0.0 local-cloud")}
"""Commands by the packages that bring them, and what they say of their version; a later one wins."""

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
asked() {{ cat {BASE} {RECORD} | grep -qE -- "$1"; }}
"""

_KEEP = f"""printf '%s\\n' "$line" >> {RECORD}
echo "recorded, not executed: $line" >&2
"""

_PACKAGES = (
    _HEADER
    + f"""installed() {{ asked "{INSTALLS.format("$1")}"; }}
bring() {{ if installed "$1"; then ln -sfn "{FOLDER}/$1/$2" "{PACKAGED}/$2"; fi; }}
"""
    + r"""package="${!#}"
case "$name $1" in
  "rpm -q" | "dpkg -s" | "dpkg -l")
    # Questions are answered from the record: a package counts as there when a manager was asked to install it.
    if installed "$package"; then echo "$package"; exit 0; fi
    echo "package $package is not installed"
    exit 1
    ;;
esac
"""
    + _KEEP
    + "".join(f"bring {package} {name}\n" for package, (name, _) in _COMMANDS.items())
)

_SERVICE = (
    _HEADER
    + f"""history() {{
  cat {BASE}
  echo Reboot
  head -n "$(cat {BOOTED})" {RECORD}
  echo Reboot
  tail -n +"$(($(cat {BOOTED}) + 1))" {RECORD}
}}
restarts='{RESTARTS}'
"""
    + r"""# How a unit stands after all that was asked for: each start of the instance starts what is enabled.
stands() {
  history | awk -v unit="${1%.service}" -v restarts="$restarts" '
    BEGIN { enabled = "disabled"; active = "inactive" }
    $0 ~ restarts { active = (enabled == "enabled") ? "active" : "inactive"; next }
    $1 == "systemctl" || $1 == "service" || $1 == "chkconfig" {
      verb = ""; now = 0; named = 0
      for (i = 2; i <= NF; i++) {
        word = $i
        sub(/\.service$/, "", word)
        if (word == "--now") now = 1
        else if (word ~ /^-/) continue
        else if (word == unit && (verb != "" || $1 != "systemctl")) named = 1
        else if (verb == "") verb = word
      }
      if (!named) next
      if (verb == "on" || verb == "reenable" || (verb == "enable" && enabled != "masked")) enabled = "enabled"
      if (verb == "off" || verb == "disable" || verb == "unmask") enabled = "disabled"
      if (verb == "mask") enabled = "masked"
      if (verb ~ /start$|^reload-or/ || (verb == "enable" && now)) active = "active"
      if (verb == "stop" || verb == "kill" || (now && verb ~ /^(disable|mask)$/)) active = "inactive"
    }
    END { print enabled, active }'
}
quiet= verb=
for word in "$@"; do
  case "$word" in -q | --quiet) quiet=1 ;; -*) ;; *) [ -n "$verb" ] || verb=$word ;; esac
done
say() { [ -n "$quiet" ] || echo "$1"; }
if [ "$name" = systemctl ]; then
  case "$verb" in
    # Units are never executed here, so none of them has failed.
    is-system-running) say running; exit 0 ;;
    is-enabled | is-active | status)
      read -r enabled active < <(stands "${!#}")
      if [ "$verb" = is-enabled ]; then say "$enabled"; [ "$enabled" = enabled ]; exit; fi
      say "$active"
      [ "$active" = active ] || exit 3
      exit 0
      ;;
  esac
fi
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
    + instance_metadata.CURL
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
    packaged = {
        f"{package}/{name}": instance_calls.COMMAND.replace(
            "\n", f'\n[ "$1" != --version ] || exec echo {version}\n', 1
        )
        for package, (name, version) in _COMMANDS.items()
    }
    for name, text in {**scripts, **packaged}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)
    return tuple(scripts)


def packaged_commands(installed: Callable[[str], bool]) -> dict[str, str]:
    """Where the sandbox shows the commands of those packages that are installed, by the commands' names."""
    return {name: f"{FOLDER}/{package}/{name}" for package, (name, _) in _COMMANDS.items() if installed(package)}
