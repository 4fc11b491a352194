from harness.values import names


def test_names_are_built_as_the_design_says() -> None:
    assert names.score("test", "sv", "entity_f1") == "test/sv/entity_f1"
    assert names.measure_of("test/sv/PER/entity_f1") == "PER/entity_f1"
    assert names.of_model("sv", names.LOSS) == "sv/train/loss" and names.of_model("", names.LOSS) == "train/loss"
    assert names.data_count("sv", "test", "sentences") == "data/sv/test_sentences"
    assert names.unreachable("sv") == "data/sv/unreachable_entities"
    assert names.projection("sv", "PER/dropped") == "projection/sv/PER/dropped"
    assert names.predictions("sv", "test", "sv") == "predictions/sv/test.sv.jsonl"
    assert names.checkpoint() == "checkpoint" and names.checkpoint("sv") == "checkpoint/sv"


def test_a_foreign_label_makes_a_name_that_mlflow_takes() -> None:
    assert names.cleaned("a{b}%c") == "a_b__c"
    assert names.is_test_f1("test/sv/entity_f1") and not names.is_test_f1("dev/sv/entity_f1")
    assert names.is_data("data.tests") and names.is_data("encoder.path_digest") and not names.is_data("seed")


def test_scores_are_told_from_other_figures() -> None:
    assert names.is_share("test/mean/entity_f1") and names.is_share("train/best_dev_entity_f1")
    assert names.is_share("test/sv/span_accuracy") and not names.is_share("train/seconds")
