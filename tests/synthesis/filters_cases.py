"""What the tests of several files share."""

from harness.config.synthesis import FilterSettings
from harness.synthesis.filters import References, filter_sentences
from harness.values.records import Sentence

OFF = FilterSettings(
    broken_text=False, placeholders=False, fewest_words=None, most_words=None, longest_entity=None, script_share=None,
    language=False, exact_duplicates=False, near_duplicates=None, leakage=None, contradictions=None,
    all_outside_share=None,
)  # fmt: skip


def sentences(*texts: str, language: str = "sv") -> list[Sentence]:
    return [Sentence(str(number), text, language) for number, text in enumerate(texts)]


def reasons(items: list[Sentence], **settings: object) -> dict[str, int]:
    given = {key: value for key, value in settings.items() if key in FilterSettings.model_fields}
    rest = {key: value for key, value in settings.items() if key not in given}
    found = filter_sentences(items, OFF.model_copy(update=given), References(**rest))  # type: ignore[arg-type]
    assert len(items) == len(found.kept) + sum(found.counts.values())
    return found.counts
