"""An exported folder to the Hugging Face hub: ``harness export … --push-to-hub OWNER/NAME``."""

from pathlib import Path

from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from harness.machine.hub import ready_hub
from harness.model.trained import read_manifest
from harness.values.errors import HarnessError, UsageError, first_line


def check_pushable(folder: Path) -> None:
    """Refuse what must not leave this machine.

    :raises UsageError: the model is of restricted data: its weights may hold some of the text.
    """
    if read_manifest(folder).get("restricted"):
        raise UsageError(
            f"{folder} is a model of restricted data, which its weights may give away; it is not pushed to a hub"
        )


def push_to_hub(folder: Path, name: str, *, public: bool = False) -> str:
    """Upload an exported folder as one commit of a model repository, made where there is none.

    :param name: ``OWNER/NAME``; the token is that of ``hf auth login`` or ``HF_TOKEN``.
    :param public: make a new repository public; one that is there stays as it is.
    :returns: address of the repository.
    :raises UsageError: see :func:`check_pushable`; also a name that is none.
    :raises HarnessError: the hub cannot be reached or refuses.
    """
    from huggingface_hub import HfApi

    check_pushable(folder)
    ready_hub(name)
    api = HfApi()
    try:
        address = str(api.create_repo(name, private=not public, exist_ok=True))
        api.upload_folder(repo_id=name, folder_path=folder, commit_message="Upload a model exported by harness")
    except HFValidationError as error:
        raise UsageError(f"--push-to-hub {name!r}: OWNER/NAME is needed: {first_line(error)}") from error
    except (HfHubHTTPError, OSError, RuntimeError) as error:
        raise HarnessError(
            f"{name} could not be pushed to the hub: {first_line(error)}; the folder {folder} is complete, "
            f"push it with hf upload {name} {folder}"
        ) from error
    return address
