"""Prompts as versioned files: task, labels with definitions, style, examples, and what keeps answers apart.

A prompt card (``configs/synthesis/NAME.yaml``) is rendered once for each call, with another topic, register, length and
share of sentences without entities drawn from a seed, so that a thousand calls do not give one sentence a thousand
times. Examples come from the source language or from the card, never from target test data.
"""

import json
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from harness.config.synthesis import Example, SynthesisCard
from harness.values.errors import ConfigError
from harness.values.languages import folded
from harness.values.records import Sentence, Span

logger = logging.getLogger(__name__)

SYSTEM = "You write training data for named-entity recognition. Answer with JSON alone, without comments."


@dataclass(frozen=True)
class Call:
    """One request.

    :param key: identifies its answer among the stored ones.
    :param messages: system and user message.
    :param schema: JSON schema of the answer.
    """

    key: str
    messages: tuple[dict[str, str], ...]
    schema: dict[str, Any]


def calls(
    card: SynthesisCard,
    language: str,
    labels: Sequence[str],
    *,
    number: int,
    seed: int,
    examples: Sequence[Sentence] = (),
    forbidden: Sequence[str] = (),
) -> list[Call]:
    """Return the requests of a generation, each different and all the same for the same seed.

    :param language: BCP-47 tag of the sentences to write.
    :param labels: the corpus card's labels, each of which the prompt card must define.
    :param number: how many calls.
    :param examples: labelled sentences of the source's training set to draw from.
    :param forbidden: target dev and test texts.
    :raises ConfigError: a label has no definition, or a hand-written example stands in target dev or test data;
        sentences of the source that do are not shown.
    """
    undefined = [label for label in labels if label not in card.definitions]
    if undefined:
        raise ConfigError(
            f"synthesis.definitions: no definition of {undefined}; the model must be told what a label means"
        )
    closed = {folded(text) for text in forbidden}
    leaked = [example.text for example in card.examples if folded(example.text) in closed]
    if leaked:
        raise ConfigError(
            f"synthesis: {len(leaked)} examples of the prompt stand in target dev or test data; take them out "
            "(scores on that data would be worth nothing)"
        )
    allowed = [sentence for sentence in examples if folded(sentence.text) not in closed]
    if len(allowed) < len(examples):
        logger.info(
            "%d source sentences stand in target dev or test data and are not shown", len(examples) - len(allowed)
        )
    planned = []
    for place in range(number):
        drawn = random.Random(f"{seed}/{language}/{place}")  # noqa: S311 - variety, no secret
        text = render(card, language, labels, drawn, allowed)
        messages = ({"role": "system", "content": SYSTEM}, {"role": "user", "content": text})
        schema = answer_schema(card, labels)
        # Whatever an answer depends on is in its key: another model or prompt never gets the answers of this one.
        settings = [card.engine, card.model, card.revision, card.base_url, card.temperature, card.max_tokens]
        digest = sha256(json.dumps([messages, schema, settings], sort_keys=True).encode()).hexdigest()[:16]
        planned.append(Call(f"{card.name}-{card.version}-{language}-{seed}-{place}-{digest}", messages, schema))
    return planned


def render(
    card: SynthesisCard, language: str, labels: Sequence[str], drawn: random.Random, examples: Sequence[Sentence] = ()
) -> str:
    """Return the user message of one call."""
    import langcodes

    name = langcodes.Language.get(language).display_name()
    try:
        task = card.task.format(language=name, number=card.items_per_call)
    except (KeyError, ValueError, IndexError) as error:
        raise ConfigError(f"synthesis.task: {error} is no field; allowed are {{language}} and {{number}}") from None
    lines = [
        task,
        "",
        f"Domain: {card.domain}",
        f"Style: {drawn.choice(card.registers) if card.registers else 'as a native writer would'}",
    ]
    if card.topics:
        topics = drawn.sample(list(card.topics), min(card.topics_per_call, len(card.topics)))
        lines.append(f"Topics, one after the other: {'; '.join(topics)}")
    if card.entity_seeds:
        seeds = drawn.sample(list(card.entity_seeds), min(5, len(card.entity_seeds)))
        lines.append(f"Use some entities of this kind, and others of your own: {'; '.join(seeds)}")
    low, high = drawn.choice(card.lengths) if card.lengths else (6, 25)
    lines.append(f"Length: {low} to {high} words a sentence.")
    negatives = round(card.negative_share * card.items_per_call)
    if negatives:
        lines.append(f"{negatives} of the {card.items_per_call} sentences have no entity at all.")
    lines += ["", "Labels:", *(f"- {label}: {card.definitions[label]}" for label in labels), ""]
    lines += _form(card, labels)
    shown = [_example(card, example.text, _offsets(example)) for example in card.examples]
    if examples and card.source_examples:
        chosen = drawn.sample(list(examples), min(card.source_examples, len(examples)))
        shown += [_example(card, sentence.text, sentence.spans) for sentence in chosen]
    if shown:
        lines += ["", "Examples of the annotation (do not copy them; write in " + name + "):", *shown]
    return "\n".join(lines)


def _form(card: SynthesisCard, labels: Sequence[str]) -> list[str]:
    if card.output == "inline":
        first = labels[0]
        return [
            'Answer with {"sentences": ["…", "…"]}. Mark each entity where it stands with tags of its label, for '
            f"example <{first}>…</{first}>; mark every entity, nest none."
        ]
    return [
        'Answer with {"sentences": [{"text": "…", "entities": [{"text": "…", "label": "…"}]}]}. Each entity is copied '
        "from the sentence letter for letter, in the order of the sentence; list every one. Give no offsets."
    ]


def _offsets(example: Example) -> list[Span]:
    """Return the entities of a hand-written example as spans."""
    spans = []
    place = 0
    for entity in example.entities:
        start = example.text.index(entity.text, place)
        place = start + len(entity.text)
        spans.append(Span(start, place, entity.label))
    return spans


def _example(card: SynthesisCard, text: str, spans: Sequence[Span]) -> str:
    if card.output == "entities":
        listed = [{"text": text[span.start : span.end], "label": span.label} for span in spans]
        return json.dumps({"text": text, "entities": listed}, ensure_ascii=False)
    place = 0
    marked = ""
    for span in spans:
        marked += f"{text[place : span.start]}<{span.label}>{text[span.start : span.end]}</{span.label}>"
        place = span.end
    return json.dumps(marked + text[place:], ensure_ascii=False)


def answer_schema(card: SynthesisCard, labels: Sequence[str]) -> dict[str, Any]:
    """Return the JSON schema of an answer, for servers that hold a model to one."""
    entity = {
        "type": "object", "additionalProperties": False, "required": ["text", "label"],
        "properties": {"text": {"type": "string"}, "label": {"type": "string", "enum": list(labels)}},
    }  # fmt: skip
    item: dict[str, Any] = {"type": "string"}
    if card.output == "entities":
        item = {
            "type": "object", "additionalProperties": False, "required": ["text", "entities"],
            "properties": {"text": {"type": "string"}, "entities": {"type": "array", "items": entity}},
        }  # fmt: skip
    return {
        "type": "object", "additionalProperties": False, "required": ["sentences"],
        "properties": {"sentences": {"type": "array", "items": item}},
    }  # fmt: skip
