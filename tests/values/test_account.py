from harness.values.account import Account


def test_counts_have_reasons_and_labels() -> None:
    account = Account()
    account.count("dropped/unaligned", "PER")
    account.count("dropped/claimed", "LOC", 2)
    account.count("projected", "PER")
    assert account.sum_of("dropped") == 3 and account.reasons("dropped") == {"unaligned": 1, "claimed": 2}
    assert account.labels["LOC"].sum_of("dropped") == 2
    other = Account({"projected": 1})
    other.add(account)
    assert other["projected"] == 2 and other.labels["PER"]["projected"] == 1
    account["nothing"] += 0
    assert "nothing" not in account.nonzero() and account["never"] == 0
