"""Cards of synthetic data: the prompt, the model that writes, and its limits."""

from typing import Any, Literal

from pydantic import Field, model_validator

from harness.config.strict import Share, Strict, is_local, is_url


class ExampleEntity(Strict):
    """An entity of a hand-written example."""

    text: str
    """Its surface, as it stands in the example."""
    label: str
    """Its label."""


class Example(Strict):
    """A hand-written example of the annotation."""

    text: str
    """The sentence."""
    entities: tuple[ExampleEntity, ...] = ()
    """Its entities, in order."""

    @model_validator(mode="after")
    def _in_the_text(self) -> "Example":
        place = 0
        for entity in self.entities:
            start = self.text.find(entity.text, place)
            if start < 0:
                raise ValueError(f"entity {entity.text!r} does not stand in {self.text!r} (in order)")
            place = start + len(entity.text)
        return self


class FilterSettings(Strict):
    """Which filters run, and their bounds; null or false switches one off."""

    broken_text: bool = True
    """Control characters, replacement characters, private use, lone combining marks: traces of broken escapes."""
    placeholders: bool = True
    """Text such as [...], <NAME>, Lorem ipsum, 'Token1'."""
    fewest_words: int | None = Field(default=3, ge=1)
    """Shortest sentence, in words."""
    most_words: int | None = Field(default=120, ge=1)
    """Longest sentence, in words."""
    longest_entity: int | None = Field(default=12, ge=1)
    """Longest entity, in words."""
    script_share: Share | None = 0.7
    """Least share of letters in a script of the language."""
    language: bool = True
    """The language must be the one asked for, where the identifier (py3langid) knows it and the text has 20 letters;
    told by sentence, and by the corpus where a tenth of it is in one other language.
    """
    illegal_bio: bool = False
    """Tags in which I- follows neither B- nor I- of its label; off, because they are read as conlleval reads them."""
    exact_duplicates: bool = True
    """The same text again, case and blanks apart."""
    near_duplicates: Share | None = 0.85
    """Jaccard similarity of character 5-grams, by MinHash, from which a sentence repeats an earlier one."""
    leakage: Share | None = 0.6
    """Largest share of a sentence's word 4-grams (of short ones: all words) found in one protected text, and of a
    protected text found in the sentence. Protected are target dev and test, and the prompt's examples.
    """
    contradictions: Share | None = 0.9
    """A surface labelled in several ways at least five times: where its main label has at least this share, sentences
    with another label are dropped; below it, nothing is known and all stay (counted as contested)."""
    all_outside_share: Share | None = 0.5
    """Largest share of sentences without an entity in the corpus; the rest of them is dropped at random (seeded)."""
    agreement: Share | None = None
    """Least entity F1 with a recogniser trained on source data, where its predictions are given."""

    @classmethod
    def off(cls) -> "FilterSettings":
        """Return settings that run no filter."""
        values: dict[str, Any] = {
            name: False if field.annotation is bool else None for name, field in cls.model_fields.items()
        }
        return cls(**values)


class SynthesisCard(Strict):
    """A versioned prompt, and the model that answers it."""

    name: str
    """Name in tables and in MLflow; none: no generation."""
    version: str = "1"
    """Raised when the text changes; enters the key of every stored answer."""
    engine: Literal["none", "chat", "transformers"] = "none"
    """chat: an OpenAI-compatible server; transformers: a local model in this process."""
    model: str | None = None
    """Name of the model on the server; for transformers hub id or folder."""
    revision: str | None = None
    """transformers: commit of the hub repository."""
    base_url: str | None = None
    """Server, for example http://127.0.0.1:8000/v1; null takes the vendor's own."""
    api_key_env: str | None = None
    """Environment variable that holds the key; the key itself stands in no file. null: OPENAI_API_KEY for the
    vendor's own server, no key for any other.
    """
    temperature: float = Field(default=1.0, ge=0.0)
    """Sampling temperature."""
    max_tokens: int = Field(default=4096, ge=16)
    """Longest answer, tokens."""
    concurrency: int = Field(default=4, ge=1)
    """Requests under way at once."""
    timeout_seconds: float = Field(default=120.0, gt=0)
    """Seconds until a request counts as lost and is repeated."""
    retries: int = Field(default=6, ge=0)
    """Repetitions on 429, 5xx, timeouts and cut connections, with back-off; Retry-After is obeyed."""
    structured: bool = True
    """Ask for JSON-schema output; a server that refuses it is asked without, once for all."""
    budget_tokens: int | None = Field(default=None, ge=1)
    """Tokens, prompt and answer together, after which no further call starts."""
    budget_money: float | None = Field(default=None, gt=0)
    """Money after which no further call starts, in the currency of the prices."""
    price_prompt: float = Field(default=0.0, ge=0)
    """Price of a million prompt tokens."""
    price_answer: float = Field(default=0.0, ge=0)
    """Price of a million answer tokens."""
    output: Literal["entities", "inline"] = "entities"
    """Answers as texts with a list of entities, or with inline tags; offsets are found by us in both."""
    task: str = "Write {number} sentences in {language} and annotate their named entities."
    """The task; {language} and {number} are filled in."""
    domain: str = "general"
    """What the sentences are about."""
    definitions: dict[str, str] = Field(default={})
    """Label → what it means and what not; every label of the corpus card needs one."""
    examples: tuple[Example, ...] = ()
    """Hand-written examples of the annotation."""
    source_examples: int = Field(default=0, ge=0)
    """Sentences of the source's training set to show in each call; 0 for a restricted corpus."""
    items_per_call: int = Field(default=10, ge=1)
    """Sentences to ask for in one call."""
    topics: tuple[str, ...] = ()
    """Topics to draw from."""
    topics_per_call: int = Field(default=3, ge=1)
    """Topics named in one call."""
    entity_seeds: tuple[str, ...] = ()
    """Entities or kinds of entity to draw from."""
    registers: tuple[str, ...] = ()
    """Styles to draw from."""
    lengths: tuple[tuple[int, int], ...] = ()
    """Shortest and longest sentence in words, to draw from."""
    negative_share: Share = 0.1
    """Share of sentences without any entity."""
    filters: FilterSettings = FilterSettings()
    """Which sentences are dropped; ``--filter NAME=VALUE`` is short for ``synthesis.filters.NAME=VALUE``."""

    @property
    def leaves_machine(self) -> bool:
        """Whether prompts are sent to another machine."""
        return self.engine == "chat" and not is_local(self.base_url)

    @model_validator(mode="after")
    def _complete(self) -> "SynthesisCard":
        if self.engine != "none" and not self.model:
            raise ValueError("synthesis.model is missing: the name of a model on the server, or a folder")
        if self.base_url is not None and not is_url(self.base_url):
            raise ValueError(f"base_url: {self.base_url!r} is no URL such as http://127.0.0.1:8000/v1")
        if self.budget_money is not None and not (self.price_prompt or self.price_answer):
            raise ValueError("budget_money needs price_prompt and price_answer (per million tokens)")
        return self
