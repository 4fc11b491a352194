"""``harness export``, ``predict``, ``ui``: what comes after the runs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness.cli.console import echo, existing_folder
from harness.cli.run import ConfigDir
from harness.machine.process import quiet_libraries, use_cores
from harness.values import names

if TYPE_CHECKING:
    from harness.tracking.records import Record
    from harness.tracking.store import Store
    from harness.workflows.export import Exported

Experiment = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--experiment", "-e", help="MLflow experiment; all of the store without it."),
]
Tracking = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--tracking-uri", help="MLflow store; as tracking.uri in a run."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ui")(ui)
    app.command("export")(export)
    app.command("predict")(predict)


def _uri(tracking: str | None) -> str:
    from harness.tracking.store import existing_store

    return existing_store(tracking)


def ui(
    tracking: Tracking = None,
    port: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--port", min=1, max=65535, help="Port on 127.0.0.1; the first free one from 5000 without it."),
    ] = None,
) -> None:
    """Open MLflow's UI on the project's store (on 127.0.0.1 only)."""
    quiet_libraries()
    import os

    from harness.tracking.store import artifact_folder

    uri = _uri(tracking)
    port = free_port(port)
    arguments = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri  # as an argument, everybody on this machine could read its password
    folder = artifact_folder(uri)
    if folder:
        arguments += ["--default-artifact-root", folder.as_uri()]
    echo(f"MLflow UI: http://127.0.0.1:{port} (Ctrl-C ends it)", err=True)
    from harness.tracking.store import Store
    from harness.tracking.view import view_address

    store = Store(uri)
    for name, number in [one for one in store.experiments() if one[0] != "Default"][:5]:
        store.present(number, [])
        echo(f"  {name}: {view_address(f'http://127.0.0.1:{port}', number)}", err=True)
    echo("nothing is collected or sent: telemetry is off, whatever MLflow's home page says", err=True)
    sys.stderr.flush()
    os.execv(sys.executable, arguments)  # noqa: S606 - our own interpreter takes over this process


def free_port(wanted: int | None) -> int:
    """Return the port to serve on.

    :param wanted: no other will do; without it the first free one from 5000 is taken.
    :raises UsageError: it is taken.
    """
    import socket

    from harness.values.errors import UsageError

    for port in [wanted] if wanted else range(5000, 5100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    taken = f"port {wanted} of 127.0.0.1 is taken" if wanted else "ports 5000 to 5099 of 127.0.0.1 are taken"
    raise UsageError(f"{taken}; give another with --port, or leave --port out to get the first free one")


def export(
    run: Annotated[str, typer.Argument(metavar="RUN_ID|best", help="A run (the start of its id will do), or best.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    experiment: Experiment = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Add model.onnx, checked against torch.")] = False,
    register: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--register", help="Add to the MLflow model registry under this name."),
    ] = None,
    alias: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--alias", help="With --register: point this alias (champion …) to the new version."),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Where no checkpoint was kept: train the run again from its own command.")
    ] = False,
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--model", help="Of a run with separate models: the language."),
    ] = None,
    method: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--method", help="With best: the best of this method."),
    ] = None,
    language: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--language", help="With best: the target language that counts; their mean without it."),
    ] = None,
    push: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--push-to-hub", metavar="OWNER/NAME", help="Upload the folder to the Hugging Face hub as well."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="With --push-to-hub: make a new repository public; private without it.")
    ] = False,
    tracking: Tracking = None,
) -> None:
    """Export a run's checkpoint; ``best`` is chosen by a label-free score in the target language, never by a test."""
    use_cores()
    quiet_libraries()
    from harness.tracking.store import Store
    from harness.workflows.choose import Wish, choose_run

    _check_options(run, register=register, alias=alias, push=push, public=public, wish=method or language)
    store = Store(_uri(tracking))
    chosen = choose_run(store, run, experiment, Wish(method, language, kept=not rebuild))
    record = chosen.record
    from harness.workflows.export import Registration, export_run  # loads torch: a run that is not there is told first

    if rebuild and record.tags.get(names.CHECKPOINT_STATE) != names.CHECKPOINT_KEPT:
        record = _rebuilt(store, record)
    registration = Registration(register, alias) if register else None
    target, reason = output.expanduser().absolute(), chosen.reason
    exported = export_run(store, record, target, model=model, onnx=onnx, registration=registration, reason=reason)
    _tell(exported, record.tags.get(names.RUN_NAME, ""), output, exported_because=chosen.reason)
    if push:
        from harness.workflows.push import push_to_hub

        echo(f"pushed to {push_to_hub(target, push, public=public)}")


def _check_options(
    run: str, *, register: str | None, alias: str | None, push: str | None, public: bool, wish: str | None
) -> None:
    """:raises UsageError: an option means nothing without another.

    :param wish: what says which run is the best.
    """
    from harness.values.errors import UsageError

    if alias and not register:
        raise UsageError("--alias points to a version of the registry; give --register NAME as well")
    if public and not push:
        raise UsageError("--public says how a repository of the hub is made; give --push-to-hub OWNER/NAME as well")
    if wish and run != "best":
        raise UsageError("--method and --language say what best means; a run is named by its id alone")


def _tell(exported: "Exported", name: str, output: Path, *, exported_because: str) -> None:
    """Print what was exported, and how it was checked."""
    if exported_because:
        echo(f"chosen: {exported_because}")
    echo(f"exported run {exported.run_id} ({name}) to {output}")
    if exported.probes:
        few = exported.agreement < exported.probes
        why = "; the run predicted in bfloat16, the export in float32" if few else ""
        echo(f"loaded again: the same spans on {exported.agreement} of {exported.probes} test sentences{why}")
    if exported.replaced:
        echo(f"the model that was in {output} before is replaced")
    if exported.onnx_difference is not None:
        echo(f"model.onnx: logits within {exported.onnx_difference:.1e} of torch")
    if exported.registered:
        echo(f"registered as {exported.registered}")


def _rebuilt(store: "Store", record: "Record") -> "Record":
    """Train a run again from its own command, and return the new one."""
    from functools import partial

    from harness.machine.process import show_progress, stop_on_sigterm
    from harness.pipeline import Watch, run_experiment
    from harness.workflows.rebuild import rebuild_run

    stop_on_sigterm()
    echo(f"training run {record.run_id} again", err=True)
    record, difference = rebuild_run(store, record, partial(run_experiment, watch=Watch(progress=show_progress())))
    same = "the same test scores" if not difference else f"test entity F1 differs by up to {100 * difference:.2f}"
    echo(f"trained again as run {record.run_id}: {same}", err=True)
    return record


def predict(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Exported model.")],
    file: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(
            metavar="[FILE]", help="Any file that data convert reads; text lines on standard input without."
        ),
    ] = None,
    from_format: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--from", help="lines, jsonl, conll, brat …; by the ending without it."),
    ] = None,
    language: Annotated[str, typer.Option("--language", help="BCP-47 tag of the texts.")] = "und",
    translator: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--translator", help="Of a translate_test model: the engine that translates the texts."),
    ] = None,
    aligner: Annotated[str, typer.Option("--aligner", help="With --translator: the word aligner.")] = "joint",
    keys: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--set", metavar="KEY=VALUE", help="A key of either card: translator.path=…"),
    ] = None,
    learn_from: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--learn-from", help="Further pairs for a statistical aligner: SOURCE<tab>TARGET lines."),
    ] = None,
    config_dir: ConfigDir = None,
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Write to a file.")] = None,  # noqa: UP045
) -> None:
    """Tag text: one text a line, or the sentences of a corpus file with their ids and tokens, in; JSON lines out."""
    use_cores()
    quiet_libraries()
    _check_inputs(folder, file)
    from harness.machine.files import write_text
    from harness.values.interchange import tagged_lines
    from harness.values.languages import normalise_language
    from harness.workflows.predict_files import Through, read_input, tag

    spoken = normalise_language(language) if language != "und" else language
    sentences, account = read_input(file, spoken, from_format)
    for reason, count in account.items():
        echo(f"{reason.replace('_', ' ')}: {count}", err=True)
    through = Through(translator, aligner, tuple(keys or ()), existing_folder(config_dir), learn_from)
    tagged = tag(folder, sentences, spoken, through)
    for reason, count in tagged.account.items():
        echo(f"projection: {reason.replace('_', ' ')} {count}", err=True)
    lines = tagged_lines(tagged.sentences, tagged.scores)
    if output:
        write_text(output, lines)
    elif lines:
        echo(lines.removesuffix("\n"), data=True)


def _check_inputs(folder: Path, file: Path | None) -> None:
    """Miss a model or a file before torch is loaded.

    :raises HarnessError: one is not there.
    """
    from harness.machine.files import exported_manifest
    from harness.values.errors import FileError

    exported_manifest(folder)
    if file is not None and not file.exists():
        raise FileError(f"no such file: {file}")
