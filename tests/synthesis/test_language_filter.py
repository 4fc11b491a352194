from harness.synthesis.filters import filter_sentences
from tests.synthesis.filters_cases import OFF, reasons, sentences


def test_another_language_is_dropped_a_close_or_unknown_one_is_not() -> None:
    english = "The committee will decide about the proposal next week"
    swedish = "Kommittén kommer att besluta om förslaget nästa vecka"
    danish = "Udvalget træffer beslutning om forslaget i næste uge"
    assert reasons(sentences(english, swedish, danish), language=True) == {"wrong_language": 1}
    unknown = filter_sentences(sentences(english, language="tlh"), OFF.model_copy(update={"language": True}))
    assert (len(unknown.kept), unknown.notes["language_unknown"]) == (1, 1)


FRENCH = [
    "Prenez un comprimé de paracétamol matin et soir", "Amoxicilline 500 mg, une gélule trois fois par jour",
    "Appliquer la pommade sur la peau deux fois par jour", "Le patient doit revenir la semaine prochaine",
    "Ibuprofène 400 mg en cas de douleur", "Deux gouttes dans chaque oeil toutes les quatre heures",
]  # fmt: skip


ITALIAN = [
    "Prendere una compressa di paracetamolo mattina e sera", "Applicare la pomata sulla pelle due volte al giorno",
    "Il paziente deve tornare la settimana prossima per il controllo", "Due gocce in ogni occhio ogni quattro ore",
]  # fmt: skip


def test_a_corpus_in_a_neighbouring_language_is_noticed() -> None:
    assert reasons(sentences(*FRENCH, language="it"), language=True) == {"wrong_language": len(FRENCH)}
    assert reasons(sentences(*ITALIAN, language="it"), language=True) == {}
    mixed = filter_sentences(sentences(*ITALIAN, *FRENCH, language="it"), OFF.model_copy(update={"language": True}))
    assert [one.text for one in mixed.kept] == ITALIAN
    # A language that identifiers mix up is not dropped, and said.
    danish = ["Udvalget træffer beslutning om forslaget i næste uge", "Hun boede i mange år på en gård uden for byen",
              "Vejret bliver bedre i løbet af ugen siger de", "Jeg har købt nogle nye møbler til stuen"]  # fmt: skip
    close = filter_sentences(sentences(*danish, language="sv"), OFF.model_copy(update={"language": True}))
    assert len(close.kept) == 4
    assert sum(number for note, number in close.notes.items() if note.startswith("reads_as/")) >= 2
