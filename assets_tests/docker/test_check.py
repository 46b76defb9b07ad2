"""docker/check.py finds nothing in what is shipped, and finds each error that somebody could make in it."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import check
import pytest
import yaml
from checks import commands, compose, image, settings

ROOT = Path(__file__).parents[2]
Document = dict[str, Any]
SHIPPED = compose.load(ROOT / check.FILES[0])


def change(service: str, key: str, value: Any) -> Callable[[Document], None]:
    """Give a service's key another value, or take the key away."""

    def apply(document: Document) -> None:
        if value is None:
            del document["services"][service][key]
        else:
            document["services"][service][key] = value

    return apply


def inside(service: str, *path: str, value: Any) -> Callable[[Document], None]:
    """Give something deeper another value, or take it away."""

    def apply(document: Document) -> None:
        found = document["services"][service]
        for key in path[:-1]:
            found = found[key]
        if value is None:
            del found[path[-1]]
        else:
            found[path[-1]] = value

    return apply


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the checks read, which a test may change."""
    shutil.copytree(ROOT / "docker", tmp_path / "docker", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (
        ".env.example",
        ".dockerignore",
        "pyproject.toml",
        "README.md",
        "constraints.txt",
        "requirements-models.txt",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "platform/headwater").mkdir(parents=True)
    shutil.copy(ROOT / "platform/dg.toml", tmp_path / "platform/dg.toml")
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_is_shipped_is_right() -> None:
    """Asks every program of the image for its help and loads the instance: 10 CPU seconds."""
    assert check.check(ROOT) == []


def test_compose_itself_agrees() -> None:
    found = check.ask_compose(ROOT)
    if found is None:
        pytest.skip("neither docker compose nor docker-compose is installed")
    assert found == []


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (change("webserver", "ports", ["3000:3000"]), "beyond loopback"),
        (change("webserver", "ports", ["0.0.0.0:3000:3000"]), "beyond loopback"),
        (change("webserver", "networks", ["dagster", "store"]), "every network of it is internal"),
        (change("webserver", "networks", ["front", "outside"]), "network 'outside' is not declared"),
        (change("code", "healthcheck", None), "has no health check"),
        (inside("code", "healthcheck", "retries", value=None), "missing key 'retries'"),
        (inside("code", "healthcheck", "tries", value=3), "unknown key 'tries'"),
        (change("code", "healtcheck", {}), "unknown key 'healtcheck'"),
        (change("code", "user", "0:0"), "runs as root"),
        (change("dagster-db", "user", None), "runs as root"),
        (change("code", "read_only", False), "can be written"),
        (change("code", "cap_drop", ["NET_RAW"]), "keeps capabilities"),
        (change("code", "security_opt", []), "may gain privileges"),
        (change("code", "restart", "always"), "no restart policy"),
        (inside("code", "deploy", "resources", "limits", "memory", value=None), "no limit of memory"),
        (change("code", "volumes", ["/var/run/docker.sock:/var/run/docker.sock"]), "the engine's socket"),
        (change("code", "volumes", ["elsewhere:/data"]), "volume 'elsewhere' is not declared"),
        (change("lakefs", "image", "treeverse/lakefs"), "has no tag"),
        (change("lakefs", "image", "treeverse/lakefs:latest"), "is not pinned to a version"),
        (change("object-store", "image", "chrislusf/seaweedfs:4"), "is not pinned to a version"),
        (inside("dagster-db", "environment", "POSTGRES_PASSWORD", value="hunter2"), "is written out"),
        (
            inside("dagster-db", "environment", "POSTGRES_PASSWORD", value="${LAKEFS_POSTGRES_PASSWORD:-x}"),
            "has a default",
        ),
        (inside("code", "environment", "SOURCE", value="postgres://me:mine@db/x"), "holds a password"),
        (change("daemon", "depends_on", {"coed": {"condition": "service_healthy"}}), "is no service"),
        (change("daemon", "depends_on", {"code": {"condition": "service_started"}}), "without waiting"),
        (change("daemon", "depends_on", {"bootstrap": {"condition": "service_healthy"}}), "no health check"),
        (
            change("code", "depends_on", {"lakefs": {"condition": "service_completed_successfully"}}),
            "which restarts",
        ),
        (change("daemon", "depends_on", {"lakefs-db": {"condition": "service_healthy"}}), "no network"),
    ],
)
def test_a_mistake_in_the_compose_file(mistake: Callable[[Document], None], words: str) -> None:
    document = copy.deepcopy(SHIPPED)
    mistake(document)
    found = list(compose.problems(document))
    assert any(words in problem for problem in found), found


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["dagster", "api", "grcp"], "dagster api grcp does not exist"),
        (["dagster", "api", "grpc", "--module", "headwater.definitions"], "has no option --module"),
        (["dagster-webserver", "--hots", "0.0.0.0"], "has no option --hots"),
        (["dagit"], "is no program of the image"),
        (["python", "/opt/headwater/bootsrap.py"], "is no file that the Dockerfile copies"),
        (["python", "-c", "import"], "invalid syntax"),
    ],
)
def test_a_command_that_does_not_exist(command: list[str], words: str) -> None:
    """Asks Dagster for its help, a second each time."""
    document = {"services": {"code": {"image": "headwater:0.1.0", "command": command}}}
    found = list(commands.problems(ROOT, document))
    assert any(words in problem for problem in found), found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("USER 10001:10001", "USER 0", "runs as root"),
        ("HEALTHCHECK --interval", "# HEALTHCHECK --interval", "no HEALTHCHECK"),
        ("docker/bootstrap.py", "docker/bootsrap.py", "does not exist"),
        ("COPY docker/bootstrap.py", "COPY .env.example", ".dockerignore keeps it out"),
        ("python:3.11.14-slim-bookworm", "python:3.11", "expected a full version"),
        ("ARG PIP_INDEX_URL=", "ARG PIP_INDEX_URL=https://index.example.com/simple", "names a host"),
        ("RUN groupadd", "RUN apt-get install gcc && groupadd", "belongs into the builder's stage"),
        ("COPY docker/bootstrap.py", "ADD docker/bootstrap.py", "write COPY"),
        ("COPY platform/dg.toml platform/", "", "platform/dg.toml is not in the image"),
    ],
)
def test_a_mistake_in_the_dockerfile(tree: Path, old: str, new: str, words: str) -> None:
    assert list(image.problems(tree)) == []
    edit(tree / "docker/Dockerfile", old, new)
    found = list(image.problems(tree))
    assert any(words in problem for problem in found), found


def test_variables_are_explained_and_used(tree: Path) -> None:
    shutil.copytree(
        ROOT / "platform/headwater",
        tree / "platform/headwater",
        ignore=lambda *_: ["__pycache__"],
        dirs_exist_ok=True,
    )
    documents = {name: compose.load(tree / name) for name in check.FILES}
    assert list(settings.variables(tree, documents)) == []
    edit(tree / ".env.example", "# LAKE_BUCKET=lake", "# LAKE_BUCKTE=lake")
    edit(tree / ".env.example", "LAKEFS_POSTGRES_PASSWORD=", "LAKEFS_POSTGRES_PASSWORD=hunter2")
    assert list(settings.variables(tree, documents)) == [
        ".env.example does not explain LAKE_BUCKET, which a compose file uses",
        ".env.example explains LAKE_BUCKTE, which neither a compose file nor the package reads",
        ".env.example gives a value to the secret LAKEFS_POSTGRES_PASSWORD",
    ]


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("dagster.yaml", "DAGSTER_POSTGRES_USER", "DAGSTER_POSTGRES_USR", "DAGSTER_POSTGRES_USR is not set"),
        ("dagster.yaml", "scheme: postgresql+psycopg2", "schema: postgresql", "does not load"),
        ("workspace.yaml", "location_name: headwater", "location_name: other", "got PostgresRunStorage"),
    ],
)
def test_a_mistake_in_dagsters_configuration(tree: Path, name: str, old: str, new: str, words: str) -> None:
    """Loads the instance in a process of its own, 2 CPU seconds each time."""
    edit(tree / "docker" / name, old, new)
    found = list(settings.dagster(tree, SHIPPED))
    assert any(words in problem for problem in found), found


def test_files_that_compose_needs_exist(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "dagster", lambda *_: [])
    monkeypatch.setattr(commands, "problems", lambda *_: [])
    (tree / "docker/object-store.sh").unlink()
    found = check.check(tree)
    assert "service object-store: docker/object-store.sh does not exist" in found
    (tree / "docker/compose.gpu.yaml").write_text("services: {coed: {}}")
    assert any("coed is no service" in problem for problem in check.check(tree))
    (tree / "docker/compose.yaml").write_text("services: [")
    assert "is not YAML" in check.check(tree)[0]


def test_interpolation_is_composes() -> None:
    values = {"A": "1", "EMPTY": ""}
    assert compose.interpolate("${A}-${A:-x}-${EMPTY:-x}-${NONE:-}", values) == "1-1-x-"
    with pytest.raises(ValueError, match="NONE is missing"):
        compose.interpolate("${NONE:?is missing}", values)


def test_the_shipped_file_reads_the_same_with_merges_resolved() -> None:
    """What the checks see is what compose sees: every service has what its anchors give it."""
    for name, service in yaml.safe_load((ROOT / check.FILES[0]).read_text())["services"].items():
        assert service["cap_drop"] == ["ALL"], name
