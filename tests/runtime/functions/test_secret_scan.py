"""Secrets in files: every rule finds what it is for, tells where and never what, and lets ordinary scripts pass."""

import base64
import hashlib
import json
import random
import socket
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.functions.secret_scan import find_secrets

PROJECT = Path(__file__).parent.parent.parent.parent

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def made(length: int, signs: str = LETTERS) -> str:
    """A random value that is the same in every run, so that this repository holds none."""
    rng = random.Random(f"{length} {signs}")
    value = "".join(rng.choice(signs) for _ in range(length - 2))
    # What is random has letters and digits nearly always; here it has them always.
    return f"{value}a7" if "a" in signs else f"{value}A7"


def token_of_json(header: dict[str, str], payload: dict[str, str]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, payload)]
    return ".".join([*parts, made(43)])


ACCESS_KEY = "AK" + "IA" + made(16, string.ascii_uppercase + string.digits)
WEB_TOKEN = token_of_json({"alg": "HS256"}, {"sub": "ledger", "note": "x" * 900})

SECRETS = {
    "aws-access-key": ("aws configure set aws_access_key_id {}", ACCESS_KEY),
    "aws-access-key, the other half": ("export aws_secret_key='{}'", made(40)),
    "artifactory-credentials": ("use {} now", "AK" + "C" + made(20)),
    "azure-storage-account-access-key": ("'DefaultEndpointsProtocol=https;Account" + "Key={}'", made(88)),
    "basic-auth-credentials": ("git clone https://ledger:{}@git.example.com/ledger.git", made(12)),
    "cloudant-credentials": ("cloudant_key={}", made(64, HEX)),
    "discord-bot-token": ("bot {}", f"M{made(23)}.{made(6)}.{made(27)}"),
    "github-token": ("gh auth login {}", "gh" + "p_" + made(36)),
    "gitlab-token": ("runner register {}", "gl" + "pat-" + made(20)),
    "ibm-cloud-iam-key": ("ibm_cloud_iam_api_key={}", made(44)),
    "ibm-cos-hmac-credentials": ("cos_hmac_secret_access_key={}", made(48, HEX)),
    "json-web-token": ("echo {} > /opt/ledger/token", WEB_TOKEN),
    "mailchimp-access-key": ("mail {}", made(32, HEX) + "-us7"),
    "npm-tokens": ("echo //npm.example.com/:_auth" + "Token={}", "np" + "m_" + made(36)),
    "openai-token": ("ask {}", "s" + "k-" + made(20) + "T3Blbk" + "FJ" + made(20)),
    "private-key": ("-----{}-----", "BEGIN RSA " + "PRIVATE KEY"),
    "pypi-token": ("twine upload {}", "pyp" + "i-AgEIcHlwaS5vcmc" + made(80)),
    "sendgrid-api-key": ("send {}", f"S{'G'}.{made(22)}.{made(43)}"),
    "slack-token": ("notify {}", "xox" + "b-123456789012-" + made(24, HEX)),
    "slack-token, a webhook": ("curl https://hooks.slack" + ".com/services/{}", f"T{made(8)}/B{made(8)}/{made(24)}"),
    "softlayer-credentials": ("softlayer_api_key={}", made(64, HEX)),
    "square-oauth-secret": ("pay {}", "sq0" + "csp-" + made(43)),
    "stripe-access-key": ("pay {}", "sk_" + "live_" + made(24)),
    "telegram-bot-token": ("bot {}", "123456789:" + made(35)),
    "twilio-api-key": ("call {}", "S" + "K" + made(32, HEX)),
    "secret-keyword": ('password = "{}"', made(9)),
    "secret-assignment": ("export DB_PASSWORD={}", made(9)),
    "secret-assignment, quoted": ("DB_PASSWORD='!{}'", made(9)),
    "secret-assignment, in an option": ("mysql --user=root --password={} ledger", made(9)),
    "secret-assignment, in a connection": ('-ConnectionString "Server=db;User=sa;Password={};Timeout=5"', made(9)),
    "secret-assignment, in a service": ("Environment=LEDGER_API_KEY={}", made(9)),
    "secret-assignment, a token": ("GITHUB_TOKEN={} make", made(24)),
    "secret-in-command": ("$p = ConvertTo-SecureString '{}' -AsPlainText -Force", made(9)),
    "secret-in-command, a user's": ("echo 'ledger:{}' | sudo chpasswd", made(9)),
    "secret-in-command, a Windows user's": ("net user ledger {} /add", made(9)),
    "secret-in-command, curl's": ("curl -fsS -u ledger:{} https://files.example.com/ledger.tgz", made(9)),
    "secret-in-command, a header": ('curl -H "Authorization: Bearer {}" https://files.example.com', made(30)),
    "secret-in-command, an option": ("vault login --token {}", made(24)),
    "base64-high-entropy-string": ('login("api-token", "{}")', made(40)),
    "hex-high-entropy-string": ('"encryption_key": "{}",', made(32, HEX)),
}
"""A line and its secret by the rule that finds it."""


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_found_with_rule_and_line_and_not_told(name: str) -> None:
    line, value = SECRETS[name]
    findings = find_secrets("install.sh", f"#!/usr/bin/env bash\nset -eu\n{line.format(value)}\necho done\n")
    rule = f"secret-{name.split(',')[0].removeprefix('secret-')}"
    assert rule in {finding.rule for finding in findings}
    assert {(finding.line, finding.refuses) for finding in findings} == {(3, True)}
    digests = {hashlib.new(algorithm, value.encode()).hexdigest() for algorithm in ("sha1", "sha256", "md5")}
    for told in (repr(findings), *(finding.message for finding in findings)):
        assert value not in told
        assert not any(digest in told for digest in digests)


def test_every_rule_has_such_a_secret() -> None:
    text = "\n".join(line.format(value) for line, value in SECRETS.values())
    assert len({finding.rule for finding in find_secrets("install.sh", text)}) >= 28


def test_all_secrets_of_a_file_are_found_in_the_order_of_lines() -> None:
    text = "\n".join(line.format(value) for line, value in SECRETS.values())
    assert [*dict.fromkeys(found.line for found in find_secrets("a", text))] == list(range(1, len(SECRETS) + 1))


@given(before=st.integers(0, 20_000), after=st.integers(0, 3_000))
def test_a_secret_is_found_wherever_it_is_in_a_long_line(before: int, after: int) -> None:
    for value in (ACCESS_KEY, WEB_TOKEN):
        line = f"{'x ' * (before // 2)} {value} {' y' * after}"
        assert [finding.line for finding in find_secrets("bundle.js", f"\n{line}\n")] == [2]


def test_a_service_is_never_asked_whether_a_secret_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    text = "\n".join(line.format(value) for line, value in SECRETS.values())
    assert find_secrets("install.sh", text)


def test_a_line_that_is_marked_is_told_and_not_refused() -> None:
    mark = "# pragma: allowlist secret"
    value = made(12)
    [finding] = find_secrets("install.sh", f"DB_PASSWORD={value} {mark}\n")
    assert (finding.line, finding.rule, finding.refuses) == (1, "secret-assignment", False)
    assert value not in repr(finding)
    [_, second] = find_secrets("install.sh", f"DB_PASSWORD={value} {mark}\nDB_PASSWORD={value}\n")
    assert (second.line, second.refuses) == (2, True)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("application.yaml", "password: {}"),
        ("application.properties", "ledger.db.password={}"),
        ("ledger.conf", "password = {}"),
        ("my.ini", "pwd: {}"),
        (".env", "DB_PASSWORD={}"),
        ("setup.ps1", "$password = '{}'"),
        ("setup.ps1", "New-Account -Password '{}'"),
        ("settings.json", '{{"clientSecret": "{}"}}'),
        ("web.config", '<add connectionString="Server=db;Password={}" />'),
        ("connect.py", 'connect(password="{}")'),
        ("Dockerfile", "ENV DB_PASSWORD={}"),
        ("setup.bat", "set DB_PASSWORD={}"),
    ],
)
def test_a_secret_is_found_in_the_way_a_format_writes_it(path: str, line: str) -> None:
    value = made(9)
    findings = find_secrets(path, line.format(value))
    assert findings
    assert value not in repr(findings)


ORDINARY = {
    "checksums.sh": f"""
        JDK_SHA256="{hashlib.sha256(b"jdk").hexdigest()}"
        readonly EXPECTED_MD5={hashlib.md5(b"jdk").hexdigest()}
        echo "{hashlib.sha256(b"jdk").hexdigest()}  jdk.tar.gz" | sha256sum --check --strict -
        SECRET_FILE_SHA512="{hashlib.sha512(b"jdk").hexdigest()}"
        integrity="sha384-{base64.b64encode(hashlib.sha384(b"jdk").digest()).decode()}"
        echo "the sha256 of token.tar.gz:" "{hashlib.sha256(b"token").hexdigest()}"
        upload "{base64.b64encode(hashlib.sha256(b"token").digest()).decode()}" --with token
        rpm --import https://packages.example.com/RPM-GPG-KEY-ledger
        GPG_KEY="{made(40, "0123456789ABCDEF")}"
        gpg --batch --keyserver hkps://keys.example.com --recv-keys "{made(40, "0123456789ABCDEF")}"
        apt-key adv --recv-keys "{made(40, "0123456789ABCDEF")}"
        """,
    "identifiers.sh": """
        KEY_ARN=arn:aws:kms:us-east-1:111111111111:key/mrk-1234abcd12ab34cd56ef1234567890ab
        SECRET_ARN="arn:aws:secretsmanager:us-east-1:111111111111:secret:ledger/db-a1B2c3"
        SECRET_ID=prod/ledger/db
        DB_PASSWORD_PARAMETER=/ledger/db/password
        aws secretsmanager get-secret-value --secret-id ledger/db --query SecretString --output text
        aws kms describe-key --key-id 1234abcd-12ab-34cd-56ef-1234567890ab
        AMI=ami-0abcdef1234567890 SUBNET=subnet-0123456789abcdef0
        REQUEST_ID="0b5a1f6e-9d3c-4b7a-8e21-5d6c7b8a9f01"
        export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
        export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
        aws_secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        """,
    "references.sh": """
        DB_PASSWORD="$(aws ssm get-parameter --name /ledger/db --with-decryption --query Parameter.Value --output text)"
        PASSWORD=$1
        PASSWORD="${LEDGER_PASSWORD:?missing}"
        API_KEY=`cat /run/credentials/ledger`
        mysql --user=root --password="$DB_PASSWORD" ledger
        mysql --password=$DB_PASSWORD
        docker login --username ledger --password-stdin registry.example.com
        echo "ledger:$DB_PASSWORD" | chpasswd
        TOKEN=$(curl -fsS -X PUT http://169.254.169.254/latest/api/token -H 'X-aws-ec2-metadata-token-ttl-seconds: 60')
        curl -H "X-aws-ec2-metadata-token: $TOKEN" http://169.254.169.254/latest/meta-data/instance-id
        curl -H "Authorization: Bearer $TOKEN" https://files.example.com/ledger.tar.gz
        curl -u "$USER:$PASSWORD" https://files.example.com/ledger.tar.gz
        git clone "https://ledger:${TOKEN}@git.example.com/ledger.git"
        git clone git@git.example.com:ledger/ledger.git
        """,
    "words.sh": """
        # The password is read from Secrets Manager at boot; see https://example.com/docs?topic=secret#password
        if [ "$PASSWORD" = "" ] || [ "$DB_PASSWORD" == "unset" ] || [[ "${SECRET}" != "none" ]]; then exit 1; fi
        read -r -s -p "Password: " PASSWORD
        echo "Password: changed"
        echo "no password: ask the ledger team"
        sed -i 's/^#\\?PasswordAuthentication .*/PasswordAuthentication no/' /etc/ssh/sshd_config
        grep -q secret "ledger.conf";
        test $DB_PASSWORD=unset || exit 1
        passwd --lock root
        PASSWORD_FILE=/run/secrets/db
        PASSWORD_LENGTH=32 PASSWORD_DAYS=3650 ENABLE_PASSWORD=true
        chage --maxdays 90 ledger
        install -m 0600 secrets.example /etc/ledger/secrets
        export JAVA_HOME="/usr/lib/jvm/java-21-amazon-corretto.x86_64" PWD=/opt/ledger
        APACHEVERSION=2
        export APACHETOMCATHOME
        curl -fsSLo /tmp/t.tgz "https://files.example.com/apache-tomcat-10.1.20/bin/apache-tomcat-10.1.20.tar.gz"
        openssl req -x509 -newkey rsa:4096 -keyout /etc/ledger/key.pem -out /etc/ledger/cert.pem -subj /CN=ledger
        echo '-----------------------------------------------------------------------------------------------'
        """,
    "embedded.sh": f"""
        base64 --decode > /opt/ledger/logo.png <<'END'
        {base64.b64encode(random.Random(7).randbytes(57)).decode()}
        {base64.b64encode(random.Random(8).randbytes(57)).decode()}
        END
        LOGO="{base64.b64encode(random.Random(9).randbytes(48)).decode()}"
        echo "-----BEGIN CERTIFICATE-----" && echo "-----BEGIN PUBLIC KEY-----"
        ssh-ed25519 {base64.b64encode(random.Random(10).randbytes(51)).decode()} ledger@example.com
        """,
    "install.ps1": """
        param([Parameter(Mandatory)][string]$SecretName, [securestring]$Password)
        $SecretName = 'payroll/db'
        $secret = (Get-SECSecretValue -SecretId $SecretName).SecretString | ConvertFrom-Json
        $password = ConvertTo-SecureString $secret.password -AsPlainText -Force
        $password = Read-Host -AsSecureString -Prompt 'Password'
        New-LocalUser -Name 'payroll' -Password $password -PasswordNeverExpires
        $credential = New-Object System.Management.Automation.PSCredential ('payroll', $password)
        if ($password -eq $null) { throw 'no password' }
        $sha256 = '9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08'
        if ((Get-FileHash setup.msi).Hash -ne $sha256) { exit 1 }
        Start-Process msiexec.exe -ArgumentList '/x {1D3A0C6E-55B1-4A52-9C5C-0E5B8B9F2A11} /qn' -Wait
        net user payroll $plain /add
        net user guest /active:no
        """,
    "README.md": "The password: ask the team. Set `password=<yours>`; DB_PASSWORD={{ password }} comes from the vault.",
    "values.yaml": """
        passwordSecretName: ledger-db
        secretRef: {name: ledger-db}
        password: ${DB_PASSWORD}
        existingSecret: "{{ .Values.secret }}"
        """,
    "ledger.toml": """
        # password: ask the ledger team
        password = read("DB_PASSWORD")
        """,
    "ledger.service": "EnvironmentFile=/run/ledger/environment\nLoadCredential=db:/run/credentials/db\n",
    "template.json": '{"MasterUserPassword": "{{resolve:secretsmanager:ledger/db:SecretString:password}}"}',
    "connect.py": "connect(password=settings.password, token=os.environ['TOKEN'])\npassword = read_password(path)\n",
}
"""Files such as teams upload, without a secret in them."""


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_file_passes(name: str) -> None:
    lines = ORDINARY[name].splitlines()
    found = find_secrets(name, ORDINARY[name])
    assert [(finding.rule, lines[(finding.line or 0) - 1].strip()) for finding in found] == []


@pytest.mark.parametrize("path", sorted(path for path in (PROJECT / "examples").rglob("*") if path.is_file()), ids=str)
def test_the_examples_pass(path: Path) -> None:
    assert find_secrets(path.name, path.read_text(encoding="utf-8")) == []
