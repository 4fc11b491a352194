"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

from pathlib import Path

import pytest

from harness.values.errors import DataError
from tests.corpora.repairs_cases import ANNA, read_file


@pytest.mark.parametrize(
    ("what", "content", "account"),
    [
        # number, token, outer layer, inner layer (GermEval 2014), its comment with tabs
        (
            "two layers",
            "#\thttp://x.org\t[2011-02-03]\n1\tAnna\tB-PER\tO\n2\tbor\tO\tO\n3\ti\tO\tO\n4\tLund\tB-LOC\tB-LOCderiv\n",
            {"token_numbers_passed_over": 4, "second_layer_entities_dropped": 1},
        ),
        # number, token, tag, -, annotator, rows of several lengths (UNER)
        (
            "ragged",
            "# sent_id = d-1\n# text = Anna bor i Lund\n1\tAnna\tB-PER\t-\tx\n2\tbor\tO\n3\ti\tO\n4\tLund\tB-LOC\t-\tx\n",
            {"token_numbers_passed_over": 4},
        ),
        # numbered from 0, the tag last and alone
        ("from 0", "0 Anna NN B-PER\n1 bor VB O\n2 i IN O\n3 Lund NN B-LOC\n", {"token_numbers_passed_over": 4}),
        # CoNLL-U: a multiword range and an empty node are no words; the tag in MISC, other keys beside it
        (
            "CoNLL-U",
            "# sent_id = 1\n1\tAnna\t_\t_\t_\t_\t_\t_\t_\tNER=B-PER|SpaceAfter=No\n2-3\tbori\t_\t_\t_\t_\t_\t_\t_\t_\n"
            "2\tbor\t_\t_\t_\t_\t_\t_\t_\t_\n3\ti\t_\t_\t_\t_\t_\t_\t_\tNER=O\n3.1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n"
            "4\tLund\t_\t_\t_\t_\t_\t_\t_\tNER=B-LOC\n",
            {"token_numbers_passed_over": 4, "multiword_lines_passed_over": 2},
        ),
        ("PAN-X", "sv:Anna\tB-PER\nsv:bor\tO\nsv:i\tO\nsv:Lund\tB-LOC\n", {"language_prefixes_removed": 4}),
        ("long code", "zh-classical:Anna B-PER\nzh-classical:bor O\nzh-classical:i O\nzh-classical:Lund B-LOC\n",
         {"language_prefixes_removed": 4}),
        ("B-O", "Anna B-PER\nbor B-O\ni I-O\nLund B-LOC\n", {"tags_of_no_entity_read_as_o": 2}),
        ("UTF-16", "Anna B-PER\nbor O\ni O\nLund B-LOC\n".encode("utf-16"), {"utf16_files_decoded": 1}),
        ("annotators' column", "Anna B-PER - x\nbor O - x\ni O - x\nLund B-LOC - x\n", {}),
    ],
)  # fmt: skip
def test_conll_columns_are_found(what: str, content: str | bytes, account: dict[str, int], tmp_path: Path) -> None:
    reading, texts = read_file(tmp_path / "x.conll", content)
    assert texts == ANNA
    assert reading.account == account


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        # chunks and entities both look like tags
        ("1 Anna NNP I-NP I-PER\n2 bor VBD I-VP O\n", "counts 1, 2, 3 …, and 2 columns .4, 5. hold tags.*token_column"),
        ("1 Anna NNP x\n2 bor VBD y\n", "no column seems to hold tags"),
        ("1 B-PER\n2 O\n", "counts 1, 2, 3 … and only 1 follows"),
        (
            "1\tA\t_\t_\t_\t_\t_\t_\t_\tX=1\n2\tB\t_\t_\t_\t_\t_\t_\t_\t_\n",
            "no key of its MISC column holds tags .*found 'X'",
        ),
        ("Anna\tB-PER\n\tO\n", "x.conll:2: found '.tO', a token and a tag"),
        # two sentences without the blank line between them; the name of a document before every token; two layers
        ("1 Anna B-PER\n2 bor O\n1 Bo B-PER\n2 bor O\n", "blank lines that are missing or too many"),
        ("d1 Anna B-PER\nd1 bor O\n\nd2 Bo B-PER\nd2 bor O\n", "stays the same within every sentence"),
        ("Anna B-PER O\nbor O O\nLund B-LOC B-LOCderiv\n", "columns 2 and 3 both hold tags"),
        ("Anna\tNN\tB-PER\n\t:\tO\n", "x.conll:2: found '.t:.tO', a token and a tag"),  # : is no word
        ("Anna U-PER\n", "found tag 'U-PER'; allowed"),
        ("A\n".encode("utf-16-le"), "UTF-16 without a byte-order mark"),
    ],
)
def test_what_stays_ambiguous_is_refused(content: str | bytes, fault: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=fault):
        read_file(tmp_path / "x.conll", content)


def test_a_card_says_which_columns_count(tmp_path: Path) -> None:
    chunks = "1 Anna NNP I-NP I-PER\n2 bor VBD I-VP O\n3 i IN I-PP O\n4 Lund NNP I-NP I-LOC\n"
    assert read_file(tmp_path / "x.conll", chunks, token_column=2, tag_column=5)[1] == ANNA
    assert read_file(tmp_path / "x.conll", chunks, tag_column=-1)[1] == ANNA  # the token beside the numbers
    numbers = "1 B-X\n2 O\n"
    assert read_file(tmp_path / "x.conll", numbers, token_column=1, tag_column=2)[1] == [("1 2", [("1", "X")])]
    misc = "1\tAnna\t_\t_\t_\t_\t_\t_\t_\tent=B-PER\n2\tler\t_\t_\t_\t_\t_\t_\t_\t_\n"
    assert read_file(tmp_path / "x.conllu", misc, tag_column="ent")[1] == [("Anna ler", [("Anna", "PER")])]
    with pytest.raises(DataError, match="belong to format conll"):
        read_file(tmp_path / "x.txt", "a", "lines", tag_column=2)
