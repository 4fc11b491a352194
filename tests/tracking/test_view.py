"""What the UI shows of an experiment: tags that are set once, and a view that learns languages."""

import json

from harness.tracking.store import Store
from harness.tracking.view import DESCRIPTION, KIND, STATE, missing_tags, view_address


def test_an_experiment_says_what_it_is_and_keeps_what_a_person_wrote(tracking: str) -> None:
    store = Store(tracking)
    number = store.experiment_id("E")
    store.client.set_experiment_tag(number, DESCRIPTION, "mine")
    store.present(number, ["en", "sv"], "the question")
    tags = store.client.get_experiment(number).tags
    assert tags[KIND] == "custom_model_development" and tags[DESCRIPTION] == "mine"
    assert missing_tags(tags, ["en", "sv"], "the question") == {}
    assert ("E", number) in store.experiments()


def test_the_view_shows_the_mean_and_every_language_that_was_tested() -> None:
    first = missing_tags({}, ["en", "sv"])
    second = missing_tags(first, ["en", "sw"])
    columns = json.loads(second[STATE])["selectedColumns"]
    assert columns[-4:] == ["metrics.`F1/mean`", "metrics.`F1/en`", "metrics.`F1/sv`", "metrics.`F1/sw`"]
    assert set(second) == {STATE}
    assert missing_tags({**first, STATE: "damaged"}, ["en"])[STATE] != "damaged"


def test_links_lead_to_the_view() -> None:
    address = "http://x/#/experiments/7/runs?viewStateShareKey=harness&workflowType=machine_learning"
    assert view_address("http://x", "7") == address
