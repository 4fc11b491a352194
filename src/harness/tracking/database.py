"""The database behind a local store: made whole, moved along, and its errors in one sentence."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from harness.machine.files import made_whole
from harness.machine.locks import file_lock
from harness.machine.provenance import mask_url
from harness.machine.store import cache_folder, cache_key
from harness.values.errors import DependencyError, HarnessError, first_line

logger = logging.getLogger(__name__)


def make_schema(uri: str) -> None:
    """Make the tables of a store that is new; for a local database whole or not at all.

    MLflow makes them in some sixty migrations that are no transaction: a kill between two, or two first runs at once,
    would leave a database that refuses every command.
    """
    from mlflow.tracking import MlflowClient

    database = database_path(uri)
    if database is None:
        if not uri.startswith("http"):
            # A database server: one process of this machine at a time makes its tables, the others find them.
            lock = cache_folder() / "locks" / f"store-{cache_key('store', uri=uri)}.lock"
            with file_lock(lock, "the command that opens the same store"):
                MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)
        return

    def make(path: Path) -> None:
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        store: Any = SqlAlchemyStore(  # type: ignore[no-untyped-call]
            f"sqlite:///{path}", (database.parent / "mlruns").as_uri()
        )
        store.engine.dispose()

    if not database.is_file() or not database.stat().st_size:  # one that is there is whole, and may be read-only
        with made_whole(database, make):
            pass
    _move_along(database)


def database_path(uri: str) -> Path | None:
    """Return the file of a local database."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _move_along(database: Path) -> None:
    """Let a store that was moved or copied find its artifacts beside the database again.

    MLflow keeps absolute places. Where an experiment's recorded folder ends like ours, is gone, and ours is there, it
    is the same store in a new place. A place that still exists, or is on a server, stays what it is.
    """
    beside = database.parent / f"{database.stem}-artifacts"
    if not beside.is_dir():
        return
    columns = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("model_versions", "source"),
               ("model_versions", "storage_location"), ("logged_models", "artifact_location"))  # fmt: skip
    connection = sqlite3.connect(database, timeout=60)
    try:
        places = {place for (place,) in connection.execute("SELECT artifact_location FROM experiments") if place}
        moved = {old: new for old in sorted(places) if (new := _moved_to(old, beside))}
        for old, new in moved.items():
            logger.warning("the store has moved: artifacts are taken from %s instead of %s", new, old)
            with connection:
                for table, column in columns:
                    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                        connection.execute(
                            f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608
                            f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                            (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
                        )
    finally:
        connection.close()


def _moved_to(place: str, beside: Path) -> str | None:
    """Return where an experiment's artifacts are now; None where they are at their recorded place, or nowhere.

    :param place: as recorded: ``file:///…/mlflow-artifacts/EXPERIMENT``.
    """
    former, mark, name = place.rpartition(f"/{quote(beside.name)}/")
    if not mark or not place.startswith("file:///"):
        return None
    old = Path(unquote(urlsplit(place).path))
    if old.exists() or f"{former}{mark}{name}" == f"{beside.as_uri()}/{name}":
        return None
    # One that has no artifacts yet moves with its store.
    return f"{beside.as_uri()}/{name}" if (beside / unquote(name)).is_dir() or not old.parent.is_dir() else None


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Turn what databases and servers raise into one sentence."""
    from alembic.util.exc import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"tracking store {mask_url(uri)}: the database's driver {error.name!r} is missing; "
            f"install it with: pip install {DRIVERS.get(error.name or '', error.name)}"
        ) from error
    except (SQLAlchemyError, MlflowException, CommandError, sqlite3.Error, OSError) as error:
        reason = first_line(getattr(error, "orig", None) or error)[:200]
        raise HarnessError(f"tracking store {mask_url(uri)}: {mask_url(reason)}{_advice(uri, reason)}") from error


DRIVERS = {"psycopg2": "'psycopg2-binary>=2.9'", "psycopg": "'psycopg[binary]>=3.2'", "MySQLdb": "mysqlclient"}
"""Module → package, for databases that hold a store or a study."""


def _advice(uri: str, reason: str) -> str:
    path = database_path(uri)
    if path is None or not path.is_file():
        return ""
    if "already exists" in reason or "duplicate column" in reason or "no such table" in reason:
        return f"; {path} was left half-made by another program or an older version: move it away, and its runs with it"
    if "malformed" in reason or "not a database" in reason:
        return f"; {path} is damaged: restore it from a copy, or move it away to begin a new store"
    return ""
