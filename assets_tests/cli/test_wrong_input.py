"""Wrong input is answered in one line that says what was wrong with it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headwater.cli.app import app
from headwater.cli.output import readable_errors
from headwater.serve.server import require_free


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("serve", "tiny", "--keys-file", "{folder}"), "{folder}: is a directory"),
        (("serve", "tiny", "--keys-file", "{folder}/none"), "{folder}/none: no such file"),
        (("forget", "tiny", "--uri", "docs/*"), "main holds no product 'tiny'"),
        (("forget", "tiny", "--pseudonym", "0123456789abcdef"), "main holds no product 'tiny'"),
        (("forget", "tiny", "--session", "one"), "HEADWATER_LOG_KEY"),
        (("refused", "tiny"), "headwater build tiny"),
        (("generate", "tiny", "--input", "a", "--output", "b"), "headwater build tiny"),
    ],
)
def test_one_line_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HEADWATER_LOG_KEY", raising=False)
    result = CliRunner().invoke(app, [one.format(folder=tmp_path) for one in arguments])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert told.format(folder=tmp_path) in line


def test_what_stands_in_brackets_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception, match="1"), readable_errors():
        raise ValueError("expected [red] or [/blue]")
    assert "expected [red] or [/blue]" in capsys.readouterr().err


def test_a_port_that_another_listens_on_is_told_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"port {port} of 127.0.0.1: address already in use"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)
