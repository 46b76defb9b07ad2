from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.train.prompt import Passage, chat, first_sentence, format_prompt, passage_of


def test_passage_drops_a_repeated_title_and_keeps_the_first_sentence():
    passage = passage_of("ec2 run-instances", "ec2 run-instances\n\nLaunches instances. You can tag them.")
    assert passage == Passage("ec2 run-instances", "Launches instances.")


def test_a_long_sentence_is_cut_at_a_word_and_marked():
    passage = passage_of("t", "one two three four five", max_words=3)
    assert passage.text == "one two three …"


def test_abbreviations_do_not_end_a_sentence():
    text = "Lists items, e.g. Those of J. Smith and others. Then stops."
    assert first_sentence(text) == "Lists items, e.g. Those of J. Smith and others."


def test_a_blank_line_ends_a_sentence_and_a_line_break_does_not():
    assert passage_of("", "first part\nof it\n\nsecond").text == "first part of it"


def test_other_scripts_end_sentences_too():
    assert first_sentence("これは文です。 次の文です。") == "これは文です。"


@given(st.text(), st.text(), st.integers(1, 40))
def test_a_passage_is_one_line_of_bounded_length(title: str, text: str, words: int):
    passage = passage_of(title, text, words)
    assert "\n" not in passage.title + passage.text
    assert len(passage.text.split()) <= words + 1


def test_prompt_numbers_the_passages_and_ends_with_the_question():
    prompt = format_prompt("To  launch\nit", [Passage("a b", "Does a."), Passage("", "Does c.")])
    assert prompt == "[1] a b: Does a.\n[2] Does c.\nQuestion: To launch it"


def test_prompt_without_passages_is_the_question():
    assert format_prompt(" What? ", []) == "What?"


def test_chat_ends_with_the_answer_when_there_is_one():
    assert [message["role"] for message in chat("q")] == ["system", "user"]
    assert chat("q", "a")[-1] == {"role": "assistant", "content": "a"}
