"""Documents that can be checked are checked."""

import re
import subprocess
import sys
from pathlib import Path

from docs.list_sources import source_files

from harness.config.reference import reference

ROOT = Path(__file__).parents[1]


def test_the_configuration_reference_is_fresh() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == reference(), "run: make docs"


def test_the_list_of_source_files_is_fresh() -> None:
    assert (ROOT / "docs" / "source_files.md").read_text(encoding="utf-8") == source_files(), "run: make docs"


def test_the_site_is_built_and_every_link_of_it_leads_somewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "docs", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "What do you want to do?" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_every_anchor_that_readme_links_to_is_a_heading() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        for page, anchor in re.findall(r"\]\((docs/[\w.]+)#([\w-]+)\)", (ROOT / name).read_text(encoding="utf-8")):
            headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in headings], (
                f"{page}#{anchor}"
            )


def test_constraints_and_lock_pin_the_same_versions() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (ROOT / name).read_text().splitlines()
        pairs = [line.split(" ")[0].split("==") for line in lines if re.match(r"[A-Za-z0-9]", line)]
        return {re.sub(r"[-_.]+", "-", name.lower()): version for name, version in pairs}

    constraints, lock = pins("constraints.txt"), pins("requirements.lock")
    assert constraints.pop("torch") == "2.13.0"
    assert constraints == lock


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_readme_names_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_nothing_tells_to_install_the_package_of_another_author() -> None:
    """`harness` on the package index is not this project."""
    files = [path for part in ("src", "configs", "sweeps", "docs", "tests") for path in (ROOT / part).rglob("*.*")]
    for path in [*files, *ROOT.glob("*.md"), ROOT / "Makefile"]:
        if path.suffix in (".py", ".md", ".yaml", "") and path != Path(__file__):
            found = re.search(r"pip install[^`\n]*?[ '\"]harness(\[|[ '\"`]|$)", path.read_text(encoding="utf-8"), re.M)
            assert not found, f"{path}: {found.group() if found else ''}"
