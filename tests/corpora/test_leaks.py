"""Copies of test sentences in training data: word for word, retyped, with other sentences around, in every script."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpora.leaks import SHORTEST, find_leaks
from harness.values.records import Corpus, Sentence


def corpus(*texts: str, language: str = "fr") -> Corpus:
    sentences = tuple(Sentence(str(number), text, language) for number, text in enumerate(texts, 1))
    return Corpus("c", "test", language, sentences, ("PER",))


def train(*texts: str) -> list[Sentence]:
    return [Sentence(f"t{number}", text, "fr") for number, text in enumerate(texts, 1)]


TEST = corpus(
    "Doliprane 1 g, comprimé : 1 cp toutes les 6 heures.",
    "Amoxicilline 500 mg, une gélule matin, midi et soir.",
    "Merci beaucoup.",
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Doliprane 1 g, comprimé : 1 cp toutes les 6 heures.", "exact"),
        ("DOLIPRANE 1g , comprimé: 1 cp toutes les 6 heures", "normalised"),
        ("Bonjour. Doliprane 1 g, comprimé : 1 cp toutes les 6 heures. Au revoir.", "contained"),
    ],
)
def test_a_copy_is_found_however_it_is_written(text: str, kind: str) -> None:
    (leak,) = find_leaks(train("Rien ici qui ressemble à un test.", text), [TEST])
    assert dict(leak.kinds) == {kind: 1}
    assert (leak.sentences, leak.share, leak.example) == (1, 1 / 3, ("t2", "1"))
    assert str(leak) == f"fr.test: 1 of 3 sentences (1 {kind})"


def test_short_texts_and_parts_of_them_are_no_evidence() -> None:
    assert find_leaks(train("Merci beaucoup.", "matin, midi et soir", "une gélule"), [TEST]) == []
    assert find_leaks(train("Doliprane 1 g, comprimé : 1 cp toutes les 60 heures."), [TEST]) == []
    assert len("Mercibeaucoup") < SHORTEST


def test_dense_scripts_need_fewer_characters() -> None:
    chinese = corpus("阿莫西林每日三次口服", "谢谢", language="zh")
    (leak,) = find_leaks(train("患者：阿莫西林每日三次，口服。一周后复诊。"), [chinese])
    assert dict(leak.kinds) == {"contained": 1}
    assert find_leaks(train("谢谢！再见"), [chinese]) == []


def test_each_test_set_is_told_apart_and_clean_ones_are_not_named() -> None:
    other = corpus("Ein ganz anderer Satz, der lang genug ist.", language="de")
    (leak,) = find_leaks(train("Ein ganz anderer Satz, der lang genug ist."), [TEST, other])
    assert leak.name == "de.test" and leak.share == 1


def test_a_text_that_occurs_twice_in_a_test_counts_twice() -> None:
    twice = corpus("Doliprane 1 g, comprimé : 1 cp.", "Doliprane 1 g, comprimé : 1 cp.")
    (leak,) = find_leaks(train("Doliprane 1 g, comprimé : 1 cp."), [twice])
    assert leak.sentences == 2


words = st.lists(st.text(string.ascii_lowercase, min_size=4, max_size=8), min_size=6, max_size=9).map(" ".join)


@given(st.lists(words, min_size=1, max_size=8, unique=True), st.lists(words, max_size=8), st.integers(0, 99))
def test_what_is_hidden_in_longer_texts_is_found_and_nothing_else(
    tests: list[str], others: list[str], seed: int
) -> None:
    shuffled = random.Random(seed)
    hidden = [text for text in tests if shuffled.random() < 0.5]
    training = [f"zq {text} zq" for text in hidden] + [text for text in others if text not in tests]
    expected = sum(any(f" {text} " in f" {other} " for other in training) for text in tests)
    leaks = find_leaks(train(*training), [corpus(*tests)])
    assert sum(leak.sentences for leak in leaks) == expected
