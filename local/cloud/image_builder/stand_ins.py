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

BASE = "/run/base"
"""Where the sandbox shows with which commands the base image's own packages and services would have been set up."""

METADATA = "/run/instance-metadata"
"""Where the sandbox shows what the metadata service answers."""

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

_METADATA_SERVICE = (
    f"""service={METADATA}
"""
    + r"""
metadata() {
  local method=GET output= write= fail= header= ttl= given= path= code body=
  while [ $# -gt 0 ]; do
    case "$1" in
      -X | --request) method=$2; shift ;;
      -H | --header) header=$2; shift
        case "${header,,}" in
          x-aws-ec2-metadata-token-ttl-seconds:*) ttl=${header#*: } ;;
          x-aws-ec2-metadata-token:*) given=${header#*: } ;;
        esac ;;
      -o | --output) output=$2; shift ;;
      -w | --write-out) write=$2; shift ;;
      -m | --max-time | --connect-timeout | --retry) shift ;;
      --fail) fail=1 ;;
      --*) ;;
      -*f*) fail=1 ;;
      http://169.254.169.254/*) path=${1#http://169.254.169.254/latest/} ;;
    esac
    shift
  done
  if [ "$method $path" = "PUT api/token" ]; then
    if [ -n "$ttl" ]; then code=200; body=$(cat "$service/token"); else code=400; fi
  elif [ -z "$given" ] && [ "$(cat "$service/tokens")" = required ]; then
    code=401
  elif [ -n "$given" ] && [ "$given" != "$(cat "$service/token")" ]; then
    code=401
  elif [ -f "$service/$path" ]; then
    code=200; body=$(cat "$service/$path")
  elif [ -d "$service/$path" ]; then
    code=200; body=$(cd "$service/$path" && for entry in *; do [ -d "$entry" ] && echo "$entry/" || echo "$entry"; done)
  else
    code=404
  fi
  if [ -n "$fail" ] && [ "$code" -ge 400 ]; then
    echo "curl: (22) The requested URL returned error: $code" >&2
    printf '%s' "${write//'%{http_code}'/$code}"
    exit 22
  fi
  if [ -n "$output" ]; then printf '%s' "$body" > "$output"; else printf '%s' "$body"; fi
  printf '%s' "${write//'%{http_code}'/$code}"
  exit 0
}
case "$name $*" in
  "curl "*http://169.254.169.254/latest/*) [ -d "$service" ] && metadata "$@" ;;
esac
"""
)

_NETWORK = (
    _HEADER
    + _METADATA_SERVICE
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
