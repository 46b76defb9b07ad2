"""Errors, keys and limits, as OpenAI's client and plain HTTP see them."""

from __future__ import annotations

import hashlib
import itertools
import socket
import threading
from pathlib import Path

import local_servers
import openai
import pytest
import tiny_product
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.lake import open_lake
from headwater.serve.api import make_app
from headwater.serve.decoding import pieces
from headwater.serve.keys import ApiKeys, TokenBuckets
from headwater.serve.limits import Limits
from headwater.serve.production import CANNOT_BE_SERVED, Production
from headwater.serve.server import hosts_of

MESSAGES = [{"role": "user", "content": "How does one list every host?"}]


def test_an_unknown_model_is_named_with_those_that_there_are(client):
    with pytest.raises(openai.NotFoundError, match="tiny, tiny-v1") as caught:
        client.chat.completions.create(model="gpt-4", messages=MESSAGES)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert caught.value.request_id


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": "  "}]}, "last of messages"),
        ({"messages": [{"role": "assistant", "content": "Hello"}]}, "last of messages"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 100_000}, "max_tokens"),
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"messages": [{"role": "user", "content": "word " * 2000}]}, "tokens"),
    ],
)
def test_a_wrong_field_is_named(client, wrong, where):
    with pytest.raises(openai.UnprocessableEntityError, match=where) as caught:
        client.chat.completions.create(**{"model": "tiny", "messages": MESSAGES, **wrong})
    assert caught.value.type == "invalid_request_error"


def test_other_endpoints_refuse_what_they_cannot_do(service, client):
    with pytest.raises(openai.UnprocessableEntityError, match="384"):
        client.embeddings.create(model="tiny", input="x", dimensions=10)
    with pytest.raises(openai.UnprocessableEntityError, match="4 texts"):
        client.embeddings.create(model="tiny", input=["x"] * 5)
    with service.http() as http:
        assert http.post("/v1/search", json={"query": " "}).status_code == 422
        assert http.post("/v1/feedback", json={"response_id": "chatcmpl-" + "0" * 32}).status_code == 422
        assert http.post("/v1/feedback", json={"response_id": "x", "vote": 1}).status_code == 422
        assert (
            http.post("/v1/search", content=b"{", headers={"content-type": "application/json"}).json()[
                "error"
            ]["code"]
            == "invalid_request"
        )
        assert http.get("/v1/nothing").json()["error"]["code"] == "not_found"
        assert http.get("/v1/search").status_code == 405


def test_a_long_body_is_refused_whether_or_not_it_says_its_length(service):
    with service.http() as http:
        told = http.post("/v1/search", content=b"x" * 20_001)
        untold = http.post("/v1/search", content=iter([b"x" * 15_000, b"x" * 15_000]))
    assert [told.status_code, untold.status_code] == [413, 413]
    assert told.json()["error"]["code"] == "request_too_large"


def test_a_request_keeps_the_id_that_it_came_with(service):
    with service.http() as http:
        assert http.get("/health/live", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
        made = http.get("/health/live", headers={"x-request-id": "a b"}).headers["x-request-id"]
    assert len(made) == 32


def test_keys_rates_and_names_guard_the_service(built, serving):
    digest = hashlib.sha256(b"secret").hexdigest()
    app = make_app(
        built.lake,
        tiny_product.PRODUCT,
        keys=ApiKeys((digest,)),
        limits=Limits(rate=0.1, burst=4, body_seconds=0.5),
        hosts=("127.0.0.1",),
    )
    with serving(app) as running:
        with pytest.raises(openai.AuthenticationError) as caught:
            running.client(api_key="wrong").models.list()
        assert caught.value.code == "invalid_api_key"
        client = running.client(api_key="secret")
        for _ in range(3):
            client.models.list()
        port = int(running.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
            slow.sendall(
                b"POST /v1/search HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n"
                b"authorization: Bearer secret\r\n\r\n{"
            )
            assert b" 408 " in slow.recv(1000)
        with pytest.raises(openai.RateLimitError) as limited:
            client.models.list()
        # Four tokens were taken, and one comes back in ten seconds.
        assert int(limited.value.response.headers["retry-after"]) in range(1, 12)
        with running.http() as http:
            assert http.get("/metrics").status_code == 401
            assert http.get("/health/ready").status_code == 200
            assert http.get("/").status_code == 200
            assert http.get("/health/live", headers={"host": "evil.example"}).status_code == 400


def test_a_full_queue_says_when_to_come_again(built, serving):
    app = make_app(built.lake, tiny_product.PRODUCT, limits=Limits(waiting=1, answer_tokens=4096))
    with serving(app) as running:
        long = {"model": "tiny", "messages": MESSAGES, "max_tokens": 300}
        open_streams = []

        def depth() -> float:
            return running.metric("queue_depth", queue="model")

        for waiting in (0, 1):
            open_streams.append(running.client().chat.completions.create(stream=True, **long))
            local_servers.until(lambda waiting=waiting: depth() == waiting, 30, lambda: f"{depth()} wait")
        with pytest.raises(openai.RateLimitError) as caught:
            running.client().chat.completions.create(stream=True, **long)
        assert caught.value.code == "queue_full"
        assert int(caught.value.response.headers["retry-after"]) >= 1
        assert running.metric("rejected_total", reason="queue") == 1
        for stream in open_streams:
            stream.close()


def test_an_answer_ends_with_its_time(built, serving):
    app = make_app(built.lake, tiny_product.PRODUCT, limits=Limits(answer_seconds=0.2, answer_tokens=4096))
    with serving(app) as running:
        answer = running.client().chat.completions.create(
            model="tiny", messages=MESSAGES, max_tokens=4096, temperature=2.0
        )
        assert answer.choices[0].finish_reason == "length"
        assert answer.usage.completion_tokens < 4096


def test_a_stream_that_breaks_says_so_and_the_next_one_is_whole(service, client, monkeypatch, request_log):
    def breaking(*arguments, **options):
        yield from itertools.islice(pieces(*arguments, **options), 2)
        raise RuntimeError("the model broke")

    asked = {"model": "tiny", "messages": MESSAGES, "max_tokens": 8, "stream": True}
    with monkeypatch.context() as broken:
        broken.setattr("headwater.serve.service.pieces", breaking)
        stream = client.chat.completions.create(**asked)
        first = next(iter(stream))
        with pytest.raises(openai.APIError, match="the server failed"):
            list(stream)
    local_servers.until(
        lambda: any(row["response_id"] == first.id for row in request_log.requests), 30, lambda: "not logged"
    )
    assert [row["status"] for row in request_log.requests if row["response_id"] == first.id] == [500]
    assert [chunk.choices[0].finish_reason for chunk in client.chat.completions.create(**asked)][-1]


def test_a_product_without_a_release_is_not_ready(tmp_path, serving):
    app = make_app(open_lake(tmp_path / "lake"), "tiny", poll_seconds=60)
    with serving(app, wait=False) as running, running.http() as http:
        assert http.get("/health/live").status_code == 200
        assert http.get("/health/ready").status_code == 503
        assert http.post("/admin/reload").json()["error"]["code"] == "not_ready"
        with pytest.raises(openai.InternalServerError) as caught:
            running.client().models.list()
        assert caught.value.status_code == 503


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_the_watcher_is_seen_and_a_broken_release_is_none(tmp_path, serving, monkeypatch):
    errors = itertools.chain(CANNOT_BE_SERVED, itertools.repeat(AttributeError))

    def wanted(_: Production) -> str:
        raise next(errors)("made by a test")

    app = make_app(open_lake(tmp_path / "lake"), "tiny", poll_seconds=0.05)
    with serving(app, wait=False) as running, running.http() as http:
        assert http.get("/health/live").status_code == 200
        monkeypatch.setattr(Production, "_wanted", wanted)
        local_servers.until(lambda: http.get("/health/live").status_code == 503, 30, lambda: "still live")
        assert running.metric("reload_failures_total") == len(CANNOT_BE_SERVED)


def test_only_loopback_goes_without_keys():
    assert "*" not in hosts_of("127.0.0.1", ApiKeys())
    assert "*" not in hosts_of("::1", ApiKeys())
    with pytest.raises(ValueError, match="HEADWATER_API_KEYS"):
        hosts_of("0.0.0.0", ApiKeys())
    assert hosts_of("0.0.0.0", ApiKeys(("0" * 64,))) == ("*",)


def test_keys_come_from_the_environment_and_a_file(tmp_path: Path):
    one, two = (hashlib.sha256(text).hexdigest() for text in (b"one", b"two"))
    file = tmp_path / "keys"
    file.write_text(f"# team\n{two.upper()}  # second\n\n")
    keys = ApiKeys.from_environment({"HEADWATER_API_KEYS": f"{one},", "HEADWATER_API_KEYS_FILE": str(file)})
    assert keys.holder("Bearer one") == one[:12]
    assert keys.holder("bearer two") == two[:12]
    assert keys.holder("Basic one") is None
    assert keys.holder("") is None
    with pytest.raises(ValueError, match="SHA-256") as caught:
        ApiKeys.from_environment({"HEADWATER_API_KEYS": "the-key-itself"})
    assert "the-key-itself" not in str(caught.value)


@settings(deadline=None)
@given(
    rate=st.floats(0.1, 100),
    burst=st.integers(1, 20),
    steps=st.lists(st.floats(0, 5), min_size=1, max_size=60),
)
def test_no_key_gets_more_than_its_rate(rate: float, burst: int, steps: list[float]):
    buckets, now, taken = TokenBuckets(rate, burst), 0.0, 0
    for step in steps:
        now += step
        taken += buckets.take("a", now) == 0.0
    assert taken <= burst + now * rate + 1e-6
    wait = buckets.take("a", now)
    assert wait == 0.0 or buckets.take("a", now + wait + 1e-6) == 0.0


def test_buckets_hold_under_threads():
    buckets = TokenBuckets(1.0, 50)
    taken: list[float] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(buckets.take("a", 0.0) for _ in range(20)))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(0.0) == 50
