"""The Lightning module: cross-entropy on first pieces, AdamW with linear warm-up and decay."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from harness.model.contract import Batch, Network
from harness.model.datamodule import EncodedCorpus, TaggingData
from harness.model.plan import TrainingData, TrainingPlan
from harness.model.predict import merged_tags
from harness.values.records import Span


class Tagger(pl.LightningModule):
    """Trains a network to tag words."""

    def __init__(self, network: Network, plan: TrainingPlan, data: TrainingData) -> None:
        super().__init__()
        self.network = network
        self.plan = plan
        self.data = data
        self.words_per_batch = 1.0
        self.losses: list[Tensor] = []
        """Of the steps since the former evaluation."""

    def training_step(self, batch: tuple[Batch, ...], batch_idx: int) -> Tensor | None:
        """Return the summed cross-entropy of a batch over the mean number of labelled words in one.

        A mean over the batch would let a batch of three-word headlines weigh as much as one of long sentences, which
        batches of similar length do contain.

        :param batch: its parts; all but the last go back at once, so that the activations of one are held.
        """
        labelled = [(part, part.tags) for part in batch if part.tags is not None and len(part.tags)]
        if not labelled:
            return None  # a batch of empty sentences teaches nothing
        total = torch.zeros((), device=self.device)
        for number, (part, tags) in enumerate(labelled, 1):
            logits = self.network(part).float()
            loss = nn.functional.cross_entropy(logits, tags, reduction="sum") / self.words_per_batch
            total = total + loss.detach()
            if number < len(labelled):
                # Lightning divides what this returns, and nothing else, by the batches of a step.
                (loss / self.plan.settings.accumulate_batches).backward()  # type: ignore[no-untyped-call]
                torch.clear_autocast_cache()  # the weights cast for this part belong to a graph that is gone
        self.losses.append(total)
        return loss

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Any) -> None:
        """Nothing: a step has dropped them, and Lightning would drop those of a batch's first parts."""

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        """Step, and drop the gradients at once: Lightning would keep them through the next forward pass, which is as
        much memory as the weights take, at the moment when activations need it most.
        """
        optimizer.step(closure=optimizer_closure)
        matrices = optimizer.param_groups[0]
        self.network.after_step(matrices["lr"], matrices["weight_decay"])
        optimizer.zero_grad()

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the norm of all gradients.

        Lightning refuses to clip for a fused optimizer, which with float16 would unscale gradients itself; bfloat16
        and float32 have no scale.
        """
        if gradient_clip_val:
            nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)

    def on_train_start(self) -> None:
        """Note the mean number of labelled words in a batch."""
        windows = self.trainer.datamodule.train_corpus.windows  # type: ignore[attr-defined]
        batches = len(self.trainer.train_dataloader.batch_sampler) * self.trainer.world_size  # type: ignore[union-attr]
        self.words_per_batch = max(1.0, sum(len(window.words) for window in windows) / batches)

    def training_loss(self) -> float:
        """Return the mean loss since the former evaluation; 0 before the first step."""
        return float(torch.stack(self.losses).mean()) if self.losses else 0.0

    def evaluate(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return the measures of the dev set, and the scores of the corpora that are watched besides."""
        data: TaggingData = self.trainer.datamodule  # type: ignore[attr-defined]
        bf16 = str(self.trainer.precision).startswith("bf16")

        def spans(corpus: EncodedCorpus) -> list[tuple[Span, ...]]:
            tags = merged_tags(self.network, corpus, data.coder, self.plan.tags, device=self.device, bf16=bf16)
            return tags.spans()

        measures = self.data.score_dev(spans(data.dev_corpus))
        scored = zip(self.data.watched, data.watched_corpora, strict=True)
        watched = {name: value for corpus, encoded in scored for name, value in corpus.score(spans(encoded)).items()}
        self.network.train()
        return measures, watched

    def configure_optimizers(self) -> Any:
        """Return AdamW (decay on matrices only) and a schedule that warms up and falls to 0 linearly."""
        decayed = [parameter for parameter in self.parameters() if parameter.requires_grad and parameter.dim() > 1]
        plain = [parameter for parameter in self.parameters() if parameter.requires_grad and parameter.dim() <= 1]
        optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": self.plan.settings.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=self.plan.learning_rate,
            fused=True,
        )
        total = int(self.trainer.estimated_stepping_batches)
        warmup = round(self.plan.warmup_share * total)

        def factor(step: int) -> float:
            if step < warmup:
                return (step + 1) / (warmup + 1)
            return max(0.0, (total - step) / max(1, total - warmup))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
