"""Asking models: any OpenAI-compatible server, a local transformers model, or a vendor's batch files.

Every answer is written to disk, raw, before anything reads it; a killed generation asks only for what is missing, and a
better parser runs again at no cost. Calls stop starting when the budget is used up, so it is overrun by no more than
the calls under way. Keys come from the environment and are written nowhere.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from harness.config.synthesis import SynthesisCard
from harness.synthesis.answers import AnswerStore
from harness.synthesis.engines import FAILURES, Engine
from harness.synthesis.prompts import Call
from harness.values.errors import HarnessError

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """Result of a generation.

    :param failed: calls without an answer; the same command asks for them again.
    :param stopped: why it stopped before the last call (budget, failures); empty otherwise.
    """

    asked: int = 0
    known: int = 0
    failed: int = 0
    stopped: str = ""
    reasons: list[str] = field(default_factory=list)


def ask_all(engine: Engine, wanted: Sequence[Call], store: AnswerStore, card: SynthesisCard) -> Outcome:
    """Ask for every call whose answer is not stored yet, several at once, within the budget."""
    outcome = Outcome(known=sum(call.key in store.answers for call in wanted))
    left = iter([call for call in wanted if call.key not in store.answers])
    running: dict[Future[None], Call] = {}

    def answered(call: Call) -> None:
        # The worker stores: an answer that arrives while the program is being stopped is paid for, so it is kept.
        store.add(engine.ask(call))

    in_a_row = 0
    said = time.monotonic()
    with ThreadPoolExecutor(max_workers=card.concurrency) as pool:
        try:
            while True:
                while not outcome.stopped and len(running) < card.concurrency:
                    spent = _spent(card, store)
                    if spent:
                        outcome.stopped = spent
                        break
                    call = next(left, None)
                    if call is None:
                        break
                    running[pool.submit(answered, call)] = call
                if not running:
                    return outcome
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    running.pop(future)
                    try:
                        future.result()
                    except HarnessError as error:
                        outcome.failed += 1
                        outcome.reasons.append(str(error))
                        in_a_row += 1
                        if in_a_row >= FAILURES and not outcome.stopped:
                            outcome.stopped = f"{in_a_row} calls failed one after the other, the last: {error}"
                    else:
                        in_a_row = 0
                        outcome.asked += 1
                if time.monotonic() - said > 15:
                    said = time.monotonic()
                    logger.info("%d of %d answers", len(store.answers), len(wanted))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)  # calls under way end and are kept
            raise


def _spent(card: SynthesisCard, store: AnswerStore) -> str:
    """Say which budget is used up, or return an empty string."""
    usage = store.usage(card)
    tokens = usage["prompt_tokens"] + usage["answer_tokens"]
    if card.budget_tokens is not None and tokens >= card.budget_tokens:
        return f"synthesis.budget_tokens={card.budget_tokens} is used up ({tokens:.0f} tokens)"
    if card.budget_money is not None and usage["money"] >= card.budget_money:
        return f"synthesis.budget_money={card.budget_money:g} is used up ({usage['money']:.4g})"
    return ""
