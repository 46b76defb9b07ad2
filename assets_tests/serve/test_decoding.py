from __future__ import annotations

import tiny_product
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.serve.decoding import Sampling, StopCutter, pieces
from headwater.train.completion import encode_prompt
from headwater.train.generate import cut

SMALL = st.text("ab", max_size=30)


@settings(deadline=None)
@given(text=SMALL, stops=st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), step=st.integers(1, 5))
def test_growing_text_is_cut_where_whole_text_is(text: str, stops: list[str], step: int):
    cutter, given_out = StopCutter(stops), ""
    for length in range(step, len(text) + 1, step):
        given_out += cutter.feed(text[:length])
        assert not any(mark in given_out for mark in stops)
        if cutter.stopped:
            break
    if not cutter.stopped:
        given_out += cutter.finish(text)
    assert given_out == cut(text, stops)


def test_pieces_are_what_the_generator_answers(released):
    model = released.model
    prompt = "Tag a fleet and say 你好 🙂"
    made = list(pieces(model, encode_prompt(model.tokenizer, prompt), Sampling(max_tokens=20)))
    assert "".join(piece.text for piece in made).strip() == model.generate([prompt], max_new_tokens=20)[0]
    assert [piece.finish for piece in made[:-1]] == [None] * (len(made) - 1)
    assert made[-1].finish in ("stop", "length")


def test_half_a_character_is_held_back(released):
    tokenizer = released.model.tokenizer
    ids = tokenizer("🙂", add_special_tokens=False)["input_ids"]
    assert len(ids) > 1, "the character is no single token"
    assert tokenizer.decode(ids[:1]).endswith("\ufffd")


def test_a_release_shares_what_another_has_loaded(released, built):
    from headwater.serve import open_release
    from headwater.serve.production import warm

    warm(released)
    twin = open_release(built.lake, tiny_product.PRODUCT)
    twin.share(released)
    assert twin.model is released.model
    assert twin.index is not released.index
    assert twin.index.embedder is released.index.embedder
