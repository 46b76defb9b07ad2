from __future__ import annotations

from pathlib import Path

import pytest

from headwater.train.completion import completion_losses, encode
from headwater.train.generate import Generator, cut

PROMPTS = [
    "Why?",
    "Name the capital of France and its river.",
    "List three colours, then stop, please.",
    "To do",
]


@pytest.fixture(scope="module")
def generator(base_model: Path) -> Generator:
    return Generator(base_model)


def test_answers_come_in_the_order_of_the_prompts(generator: Generator):
    forward = generator.generate(PROMPTS, max_new_tokens=6)
    assert generator.generate(PROMPTS[::-1], max_new_tokens=6) == forward[::-1]


def test_padding_does_not_change_an_answer(generator: Generator):
    together = generator.generate(PROMPTS, max_new_tokens=3)
    alone = [generator.generate([prompt], max_new_tokens=3)[0] for prompt in PROMPTS]
    assert together == alone


def test_no_prompts_give_no_answers(generator: Generator):
    assert generator.generate([]) == []


def test_an_answer_ends_at_the_first_stop():
    assert cut(" one two; three. four", [".", ";"]) == "one two"
    assert cut("nothing here ", ["#"]) == "nothing here"


def test_the_loss_counts_completion_tokens_only(generator: Generator):
    import torch

    tokenizer, model = generator.tokenizer, generator.model
    short = encode(tokenizer, "Why?", "Because.", 256)
    long = encode(tokenizer, "Tell me of a long river and its lakes.", "It is long indeed.", 256)
    assert short is not None
    assert long is not None
    with torch.inference_mode():
        together = completion_losses(model, [short, long], tokenizer.pad_token_id)
        logits = model(input_ids=torch.tensor([long.ids])).logits[0]
    expected = torch.nn.functional.cross_entropy(
        logits[long.prompt_tokens - 1 : -1], torch.tensor(long.ids[long.prompt_tokens :]), reduction="sum"
    )
    assert together[1].item() == pytest.approx(expected.item(), rel=1e-4)
    assert short.ids[-1] == tokenizer.eos_token_id


def test_a_long_answer_loses_its_end_and_a_long_prompt_is_left_out(generator: Generator):
    whole = encode(generator.tokenizer, "Why?", "word " * 50, 256)
    assert whole is not None
    short = encode(generator.tokenizer, "Why?", "word " * 50, whole.prompt_tokens + 5)
    assert short is not None
    assert short.completion_tokens == 5
    assert short.ids == whole.ids[: len(short.ids)]
    assert encode(generator.tokenizer, "Why?", "word", whole.prompt_tokens) is None
