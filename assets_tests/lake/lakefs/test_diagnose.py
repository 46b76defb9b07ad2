"""Each cause of a failure is told apart, in a sentence with what to do."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from headwater.lake import open_lake
from headwater.lake.lakefs.diagnose import Finding, diagnose


def problems(location: str) -> list[Finding]:
    return [finding for finding in diagnose(location) if not finding.ok]


def only(location: str, area: str) -> Finding:
    (finding,) = problems(location)
    assert finding.area == area
    assert finding.what
    assert finding.remedy
    return finding


def test_a_repository_is_made_protected_and_used(double) -> None:
    location = double.location("brand-new-repository")
    assert "has no repository" in only(location, "repository").what
    made = list(diagnose(location, create_in="s3://bucket/lake"))
    assert [finding.ok for finding in made] == [True] * len(made)
    assert {"repository", "protection", "permission"} <= {finding.area for finding in made}
    lake = open_lake(location)
    with lake.change("main", "x") as change:
        change.put("a", b"1")
    assert problems(location) == []
    assert list(lake.refs("branch")) == ["main"]
    with pytest.raises(ValueError, match="create_in"):
        list(diagnose(location, create_in="a folder"))


def test_unprotected_branches(location: str) -> None:
    assert "main, production" in only(location, "protection").what


def test_wrong_key_and_no_key(location: str, monkeypatch) -> None:
    monkeypatch.setenv("LAKEFS_SECRET_ACCESS_KEY", "wrong-one")
    finding = only(location, "key")
    assert "wrong-one" not in repr(finding)
    monkeypatch.delenv("LAKEFS_SECRET_ACCESS_KEY")
    assert "LAKEFS_SECRET_ACCESS_KEY" in only(location, "settings").what


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("lakefs+http://127.0.0.1:9/some-repository", "nothing answers"),
        ("lakefs+http://no.such.host.invalid/some-repository", "is unknown"),
        ("lakefs+http://%%%/x", None),
    ],
)
def test_wrong_endpoint(double, location: str, words: str | None) -> None:
    finding = only(location, "endpoint" if words else "settings")
    assert words is None or words in finding.what


def test_something_else_answers(double, location: str) -> None:
    double.faults({"path": "/healthcheck", "status": 404, "body": "<html>"})
    assert "not as lakeFS does" in only(location, "endpoint").what
    double.faults({"path": "/healthcheck", "drop": True})
    only(location, "endpoint")


def test_tls_where_there_is_none(double, location: str) -> None:
    assert "lakefs+http://" in only(location.replace("lakefs+http://", "lakefs://"), "tls").remedy


def test_permissions(double, location: str) -> None:
    location_of = location.rpartition("/")[2]
    open_lake(location)._control.protect(["main", "production"])  # pyright: ignore[reportAttributeAccessIssue]
    denied = {"status": 403, "body": '{"message": "insufficient permissions"}'}
    double.faults({"path": f"{location_of}/branches/main$", **denied})
    only(location, "permission")
    double.faults({"method": "POST", "path": "/branches$", **denied})
    assert "cannot write" in only(location, "permission").what
    skewed = "<Error><Code>RequestTimeTooSkewed</Code><Message>clock</Message></Error>"
    double.faults({"method": "PUT", "path": "/tx-", "status": 403, "body": skewed})
    assert "clock" in only(location, "permission").remedy
    double.faults({"method": "PUT", "path": "/tx-", "status": 405, "body": "<html>"})
    only(location, "gateway")


def test_an_old_server(double, location: str) -> None:
    open_lake(location)._control.protect(["main", "production"])  # pyright: ignore[reportAttributeAccessIssue]
    for version in ("1.70.0", "v2.0.0", "dev"):
        double.version(version)
        assert problems(location) == []
    double.version("1.47.3")
    try:
        assert "1.48.1" in only(location, "version").remedy
    finally:
        double.version("1.70.0")


class Quiet(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response_only(204)
        self.send_header("Date", "Sun, 22 Nov 2020 00:00:00 GMT")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def late_server():
    """A server whose clock stands in 2020 and that knows no more than a health check."""
    server = HTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_clocks_that_differ(double, late_server: HTTPServer) -> None:
    found = problems(f"lakefs+http://127.0.0.1:{late_server.server_port}/some-repository")
    assert found[0].area == "clock"
    assert "ahead of the server's" in found[0].what


def test_a_certificate_of_nobody(double, late_server: HTTPServer, tmp_path) -> None:
    cryptography = pytest.importorskip("cryptography.x509", reason="makes the certificate of this test")
    from datetime import UTC, datetime, timedelta

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = cryptography.Name([cryptography.NameAttribute(cryptography.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        cryptography.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    late_server.socket = context.wrap_socket(late_server.socket, server_side=True)
    finding = only(f"lakefs://127.0.0.1:{late_server.server_port}/some-repository", "tls")
    assert "LAKEFS_CA_FILE" in finding.remedy
