"""Generation against a real server on loopback with faults, resumption, budgets, batch files, and the command line."""

from pathlib import Path

from harness.config import compose_config
from harness.workflows.synthesise import generate


def test_a_local_model_is_an_engine_too(toy_card: Path, tmp_path: Path) -> None:
    import torch
    from transformers import BertTokenizerFast, GPT2Config, GPT2LMHeadModel

    folder = tmp_path / "gpt"
    folder.mkdir()
    letters = [chr(code) for code in range(33, 127)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    GPT2LMHeadModel(
        GPT2Config(vocab_size=len(words), n_positions=4096, n_embd=16, n_layer=1, n_head=2)
    ).save_pretrained(folder)
    config = compose_config(
        ["data=toy", "synthesis=general", "synthesis.engine=transformers", f"synthesis.model={folder}",
         "synthesis.max_tokens=16"], toy_card)  # fmt: skip
    made, outcome = generate(config, "sv", 2, tmp_path / "sv.jsonl")
    assert (outcome.asked, outcome.failed, made.account["items"]) == (2, 0, 0)
