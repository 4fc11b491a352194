from harness.values.table import Column, Figure, Table

TABLE = Table(
    (Column("method", "method"), Column("size", "M params", "size"), Column("f1", "sv", "score")),
    (("zero_shot", Figure(1.25), Figure(0.5, 0.01)), ("synthetic", Figure(None), Figure(None))),
    [{"method": "zero_shot", "f1": 0.5}, {"method": "synthetic", "f1": None}],
)


def test_figures_are_shown_in_points_with_their_deviation() -> None:
    assert TABLE.header == ["method", "M params", "sv"]
    assert TABLE.formatted() == [["zero_shot", "1.2", "50.0 ±1.0"], ["synthetic", "", ""]]
    assert TABLE.objects()[0]["f1"] == 0.5, "full precision"
