"""What one process keeps from experiment to experiment: corpora, translations, encoders, encoded text."""

from collections.abc import Sequence
from pathlib import Path

from harness.config import Config
from harness.corpora.catalogue import Catalogue, load_corpora
from harness.machine.store import DiskStore, MemoryStore, ResultStore
from harness.model.encoder_memory import EncoderMemory
from harness.transfer.align.joint import forget_encoder
from harness.transfer.proxies import Proxy, left_out, prepare_proxies, proxy_splits
from harness.transfer.routes import Routes, prepare_routes
from harness.values.records import CorpusKey


class Warm:
    """The memory of a process that runs many experiments; a warm result equals a cold one to the last digit.

    But for links of an aligner with an encoder: which texts share a batch moves its vectors by the last digits of
    float32, and a link at its threshold could follow. Links are kept, so what was aligned once stays as it is.
    """

    def __init__(self) -> None:
        self._catalogues: dict[tuple[object, ...], Catalogue] = {}
        self._routes: dict[tuple[object, ...], Routes] = {}
        self._proxies: dict[tuple[object, ...], tuple[Proxy, ...]] = {}
        forget_encoder()  # of whoever was warm before
        self._shared = EncoderMemory(DiskStore())
        self._private = EncoderMemory(MemoryStore())

    def encoders(self, config: Config) -> EncoderMemory:
        """Return where encoders and encoded text are kept: nothing of a restricted corpus reaches the disk."""
        return self._private if config.data.restricted else self._shared

    def store(self, config: Config) -> ResultStore:
        """Return where slow results are kept."""
        return self.encoders(config).store

    def catalogue(self, config: Config, wanted: Sequence[CorpusKey]) -> Catalogue:
        """Return the corpora of a card, read once."""
        folder = config.data_folder or Path.cwd()
        share = config.method.hold_out
        key = (config.data.model_dump_json(), folder, tuple(sorted(set(wanted))), share)
        if key not in self._catalogues:
            self._catalogues[key] = load_corpora(config.data, folder, wanted, held_out=share)
        return self._catalogues[key]

    def routes(self, config: Config, catalogue: Catalogue) -> Routes:
        """Return what the translation methods need, made once for all encoders, ratios and seeds."""
        if not config.method.translates:
            return Routes()
        folder = Path.cwd()  # as on any command line; only a data card's own files start from its folder
        method = config.method
        parts = (config.data, config.translator, config.aligner, method.projection)
        key = (
            *(part.model_dump_json() for part in parts),
            folder,
            config.targets,
            method.train,
            method.test,
            method.dev_parts,
        )
        if key not in self._routes:
            self._routes[key] = prepare_routes(config, catalogue.corpora, folder, self.store(config))
        return self._routes[key]

    def proxies(self, config: Config, catalogue: Catalogue, routes: Routes) -> tuple[Proxy, ...]:
        """Return the label-free development sets, made once for all encoders, ratios and seeds of a method."""
        if config.tracking.proxies == "none":
            return ()
        folder, method = Path.cwd(), config.method
        cards = (
            config.data, config.translator, config.aligner, config.named_translator, config.named_aligner,
            method.projection,
        )  # fmt: skip
        asked = (folder, config.targets, method.train, method.test, method.hold_out)
        key = (*(card.model_dump_json() for card in cards), *asked)
        if key not in self._proxies:
            known = catalogue.corpora
            corpora = dict(known)
            for language, split in proxy_splits(config):
                if (language, split) not in corpora and (language, f"{split}_dev") not in corpora:
                    with left_out(f"{language}.{split} cannot be read to judge by", config.data.restricted):
                        corpora |= self.catalogue(config, [(language, split)]).corpora
            self._proxies[key] = tuple(prepare_proxies(config, corpora, routes, folder, self.store(config)))
        return self._proxies[key]
