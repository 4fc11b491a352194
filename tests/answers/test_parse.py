"""The parser on every defect known, and on mutated answers: no exception, no hang, no invented span."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.answers.items import Legend
from harness.answers.parse import parse_answer
from harness.values.errors import ConfigError
from tests.synthesis.parse_cases import ITEM, LEGEND, entities, parse, sound

WHOLE = json.dumps({"data": [ITEM, ITEM]}, ensure_ascii=False)


NAMES = [("Anna Berg", "PER"), ("Malmö", "LOC")]


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        f"Here are two datapoints:\n```json\n{WHOLE}\n```\nI hope this helps!",
        json.dumps(ITEM) + "\n" + json.dumps(ITEM),
        WHOLE[:-2],  # an unclosed list
        WHOLE.replace("]}", "],}"),  # trailing commas
        WHOLE.replace("}, {", "} {"),  # a missing comma
        WHOLE.replace("Malmö", "Malm\\u00f6"),
        WHOLE.replace('"bor"', '"b\\or"').replace("b\\or", "bor"),
        WHOLE.replace('["Anna"', '["Anna'.replace("[", "[") + '"'),
        WHOLE.replace("ner_tags", "NER_Tags"),
        WHOLE.replace('"ner_tags"', "'ner_tags'"),
        json.dumps([ITEM, ITEM]),
        json.dumps({"a": {"b": [[ITEM], [ITEM]]}}),
        "\ufeff" + WHOLE,
        json.dumps({"items": [{"words": ITEM["tokens"], "tags": ["B-PER", "I-PER", "O", "O", "B-LOC", "O"]}] * 2}),
        json.dumps({"items": [{"tokens": ITEM["tokens"], "labels": ["per", "per", "o", "o", "LOC", "O"]}] * 2}),
        json.dumps({"s": [{"text": "Anna Berg bor i Malmö .", "entities": [{"text": "Anna Berg", "label": "PER"},
                                                                            {"text": "Malmö", "type": "LOC"}]}] * 2}),
        json.dumps({"s": [{"sentence": "Anna Berg bor i Malmö .", "entities": [["Anna Berg", "PER"], ["Malmö", "LOC"]]}] * 2}),
        json.dumps({"s": [{"text": "Anna Berg bor i Malmö .", "entities": {"PER": ["Anna Berg"], "LOC": "Malmö"}}] * 2}),
        json.dumps({"sentences": ["<PER>Anna Berg</PER> bor i <LOC>Malmö</LOC> ."] * 2}, ensure_ascii=False),
        "Sure!\n1. <PER>Anna Berg</PER> bor i <LOC>Malmö</LOC>.\n- <PER> Anna Berg </PER> bor i <LOC>Malmö</LOC>.",
    ],
)  # fmt: skip
def test_sound_items_are_salvaged_from_every_wrapping(answer: str) -> None:
    parsed = parse(answer)
    assert entities(parsed) == [NAMES, NAMES], parsed.rejected
    assert not parsed.rejected


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({**ITEM, "ner_tags": [1, 2]}, "length_mismatch"),
        ({**ITEM, "ner_tags": [1, 2, 0, 0, 9, 0]}, "tag_out_of_range"),
        ({**ITEM, "ner_tags": [1, 2, 0, 0, -1, 0]}, "tag_out_of_range"),
        ({**ITEM, "ner_tags": ["B-PER", "I-PER", "O", "O", "B-ORG", "O"]}, "unknown_label"),
        ({**ITEM, "ner_tags": [True, 2, 0, 0, 3, 0]}, "tag_is_no_tag"),
        ({"tokens": ITEM["tokens"]}, "missing_tags"),
        ({"ner_tags": ITEM["ner_tags"]}, "missing_tokens"),
        ({"tokens": [], "ner_tags": []}, "no_tokens"),
        ({"tokens": [" ", ""], "ner_tags": [0, 0]}, "no_tokens"),
        ({"tokens": [["a"], "b"], "ner_tags": [0, 0]}, "token_is_no_text"),
        ({"text": "Anna bor här", "entities": [{"text": "Berta", "label": "PER"}]}, "entity_not_in_text"),
        ({"text": "Anna bor här", "entities": [{"text": "", "label": "PER"}]}, "empty_entity"),
        ({"text": "Anna bor", "entities": [["Anna", "PER"], ["Anna", "LOC"]]}, "entity_not_in_text"),
        ({"text": "Anna bor", "entities": [["Anna", "ORG"]]}, "unknown_label"),
        ({"text": "Anna bor", "entities": ["Anna"]}, "entity_is_no_text"),
        ({"text": "", "entities": []}, "no_text"),
        ({"text": "<PER>Anna bor", "entities": []}, "broken_inline_tags"),
        ({"text": "<PER>Anna</LOC> bor", "entities": []}, "broken_inline_tags"),
        ({"text": "<PER></PER> bor", "entities": []}, "broken_inline_tags"),
    ],
)
def test_unsound_items_are_kept_with_their_reason(item: dict[str, object], reason: str) -> None:
    parsed = parse(json.dumps([item, ITEM]))
    assert [one.reason for one in parsed.rejected] == [reason]
    assert parsed.rejected[0].raw == item
    assert entities(parsed) == [NAMES]
    assert parsed.items == 2


def test_integer_tags_need_a_legend_and_a_cut_item_is_named() -> None:
    assert [one.reason for one in parse(json.dumps(ITEM), Legend(("PER", "LOC"))).rejected] == [
        "integer_tags_without_legend"
    ]
    parsed = parse(WHOLE[: WHOLE.rindex("[1, 2") + 5])
    assert (len(parsed.sentences), [one.reason for one in parsed.rejected]) == (1, ["truncated"])
    with pytest.raises(ConfigError, match="tag legend"):
        Legend.of_tags(["O", "PER"])


def test_repairs_are_off_unless_named_and_counted() -> None:
    long = json.dumps({**ITEM, "ner_tags": [*ITEM["ner_tags"], 0]})
    short = json.dumps({**ITEM, "ner_tags": ITEM["ner_tags"][:-1]})
    for answer in (long, short):
        assert not parse(answer).sentences
        mended = parse(answer, LEGEND, "trailing_tag")
        assert entities(mended) == [NAMES]
        assert mended.notes["repair/trailing_tag"] == 1
    wrong = json.dumps({**ITEM, "ner_tags": [*ITEM["ner_tags"], 1]})
    assert not parse(wrong, LEGEND, "trailing_tag").sentences
    broken = '{"tokens": ["Malm\\u0000f6", "\\u0000zz"], "ner_tags": [3, 0]}'
    assert "\0" in parse(broken).sentences[0].text
    mended = parse(broken, LEGEND, "null_escape")
    assert mended.sentences[0].text == "Malmö \0zz"
    assert mended.notes["repair/null_escape"] == 1


@pytest.mark.parametrize(("answer", "kept"), [
    ("{'s': [{'text': 'Anna bor i Malmö.', 'entities': [{'text': 'Anna', 'label': 'PER'}]}]}", ["Anna bor i Malmö."]),
    ('{"tokens": ["Anna",\n bor",\n "här"], "ner_tags": [1,0,0],}', ["Anna bor här"]),
    ('["<PER>Anna</PER> bor i Malmö.", "Det regnar."]', ["Anna bor i Malmö.", "Det regnar."]),
    ('{"1": "<PER>Anna</PER> bor.", "2": "Det regnar."}', ["Anna bor.", "Det regnar."]),
    ('{"sentences": ["Det regnar.", "Vi äter."]}', ["Det regnar.", "Vi äter."]),
    ('{"sentences": ["<PER>Anna</PER> bor.", "Hon är lä', ["Anna bor."]),
    ('[{"token":"Anna","tag":"B-PER"},{"token":"bor","tag":"O"}]', ["Anna bor"]),
    ('{"text": "Anna bor", "tags": ["B-PER", "O"]}', ["Anna bor"]),
    ('{"text": "Anna bor", "labels": [{"text": "Anna", "label": "PER"}]}', ["Anna bor"]),
    ('{"text":"Anna bor","entities":[{"token":"Anna","tag":"PER"}]}', ["Anna bor"]),
    ('{"text":"Malmö FF spelar i Malmö.","entities":[["Malmö","LOC"],["Malmö FF","PER"]]}', ["Malmö FF spelar i Malmö."]),
    ('{"tokens":["a"],"ner_tags":[1],"tokens":["b"],"ner_tags":[1]}', ["a", "b"]),
    ("[" * 250 + json.dumps(ITEM), ["Anna Berg bor i Malmö ."]),
])  # fmt: skip
def test_forms_a_review_found(answer: str, kept: list[str]) -> None:
    assert [one.text for one in parse(answer).sentences] == kept


@pytest.mark.parametrize(("answer", "reason"), [
    ('{"text": "Personalen möttes", "entities": [["Per", "PER"]]}', "entity_not_in_text"),
    ('{"text": "Olá bor", "entities": [["Ola", "PER"]]}', "entity_not_in_text"),
    ('{"sentences":[{"text":"Det regnar idag."}]}', "missing_entities"),
    ('{"text":"<Per>Anna</Per> bor","entities":[["bor","LOC"]]}', "tags_and_entities"),
    ('{"tokens":["tag","1"],"ner_tags":[0,1', "truncated"),
    ('{"ner_tags":[0,0,3],"tokens":["Hon","i","Mal', "truncated"),
])  # fmt: skip
def test_what_would_be_invented_is_rejected(answer: str, reason: str) -> None:
    parsed = parse(answer)
    assert ([one.reason for one in parsed.rejected], parsed.sentences) == ([reason], [])


@pytest.mark.parametrize(
    "answer", ["", "I am sorry, I cannot do that.", "[...]", "{", "}", "]]]", '"', "\\", "{}", "[[[]]]", "null"]
)
def test_answers_without_items_are_no_items(answer: str) -> None:
    assert parse(answer).items == 0


@pytest.mark.parametrize(
    "answer",
    [
        "[" * 50_000,
        "{" * 50_000,
        '{"a":' * 20_000,
        '"' * 50_000,
        "[[{" * 9_000,
        "[a]" * 300_000,
        '["' + 'a"b ' * 200_000,
        '{"a":' * 199 + "]" * 500_000,
        '\\"' * 30_000,
        "<PER>" * 9_000,
    ],
)
def test_hostile_answers_end_soon(answer: str) -> None:
    assert not parse(answer).sentences


@given(st.text(max_size=300))
def test_any_text_is_survived(answer: str) -> None:
    sound(parse(answer))


@given(st.data())
def test_mutated_answers_are_survived(data: st.DataObject) -> None:
    raw = bytearray(WHOLE.encode())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, max(0, len(raw) - 1)))
        action = data.draw(st.sampled_from(["set", "cut", "add", "end"]))
        if action == "set":
            raw[place] = data.draw(st.integers(0, 255))
        elif action == "cut":
            del raw[place : place + data.draw(st.integers(1, 20))]
        elif action == "add":
            raw[place:place] = data.draw(st.binary(max_size=5))
        else:
            del raw[place:]
        if not raw:
            break
    sound(parse(raw.decode("utf-8", "replace"), LEGEND, "trailing_tag", "null_escape"))


@pytest.mark.parametrize(
    ("language", "escaped", "meant"),
    [
        ("ta", r"\u000b9a\u000bc6ன்னை", "சென்னை"),
        ("hi", r"\u000926\u00093f\u000932\u00094d\u000932\u000940", "दिल्ली"),
        ("ar", r"\u000628\u000646\u000643", "بنك"),
        ("zh", r"\u005317\u004eac", "北京"),
        ("sv", r"Malm\u0000f6", "Malmö"),
    ],
)
def test_escapes_of_six_digits_become_the_letter_that_was_meant(language: str, escaped: str, meant: str) -> None:
    answer = f'{{"tokens": ["{escaped}", "x"], "ner_tags": ["B-LOC", "O"]}}'
    assert parse_answer(answer, Legend(("LOC",)), language, "a").sentences[0].text != f"{meant} x"
    parsed = parse_answer(answer, Legend(("LOC",)), language, "a", ("null_escape",))
    assert parsed.sentences[0].text == f"{meant} x"
    assert parsed.notes["repair/null_escape"] == escaped.count(r"\u")


@pytest.mark.parametrize("text", [r"caf\u00e9ab", r"it\u0027s adb", r"a\u000abcd", r"x\\u000b9a", r"\u0041bc"])
def test_escapes_that_are_right_are_left_alone(text: str) -> None:
    answer = f'{{"tokens": ["{text}", "x"], "ner_tags": ["B-LOC", "O"]}}'
    plain, repaired = (parse_answer(answer, Legend(("LOC",)), "sv", "a", names) for names in ((), ("null_escape",)))
    assert plain.sentences == repaired.sentences


@pytest.mark.parametrize(("text_form", "entity_form"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_composed_and_decomposed_letters_match(text_form: str, entity_form: str) -> None:
    import unicodedata

    text = unicodedata.normalize(text_form, "Zoé bor i Malmö.")
    listed = [[unicodedata.normalize(entity_form, name), label] for name, label in (("Zoé", "PER"), ("Malmö", "LOC"))]
    parsed = parse(json.dumps({"text": text, "entities": listed}), Legend(("PER", "LOC")))
    found = [(unicodedata.normalize("NFC", name), label) for name, label in entities(parsed)[0]]
    assert found == [("Zoé", "PER"), ("Malmö", "LOC")]
    assert parsed.notes["unicode_form_unified"] == (text_form != entity_form)
