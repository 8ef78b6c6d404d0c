"""The manual says what the program does: commands, options, content, names, links and examples agree."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import globulin
from globulin.cli import app
from globulin.library import KINDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "benchmarks" / "README.md", *sorted(DOCS.rglob("*.md")))
COMMANDS = sorted(name for name in app if not name.startswith("-"))


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# --- commands and content ----------------------------------------------------------------------------


def section(text: str, heading: str) -> str:
    """What stands under a second-level heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]


def test_there_are_commands() -> None:
    assert {"page", "evidence", "regimens", "claims", "cite", "check", "schema"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_documented(command: str) -> None:
    words = section(text_of("commands.md"), f"globulin {command}")
    spans = re.findall(r"`([^`\n]+)`", words)
    for argument in app[command].assemble_argument_collection():
        # a record of options stands under "*" and is no option itself
        for name in set(argument.names) - {"*"}:
            assert any(span.split()[0] == name for span in spans), f"{command}: {name} is not documented"


def test_no_command_is_documented_that_does_not_exist() -> None:
    headings = re.findall(r"^## globulin ([\w-]+)$", text_of("commands.md"), flags=re.MULTILINE)
    assert sorted(headings) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command: str) -> None:
    assert f"| `globulin {command}` |" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.folder)
def test_every_kind_of_content_is_documented(kind: object) -> None:
    folder, name = getattr(kind, "folder", ""), getattr(kind, "name", "")
    row = next(line for line in text_of("content.md").splitlines() if line.startswith(f"| `{folder}/` |"))
    assert f"`{name}:" in row or "not pointed to" in row or folder == "sources"


# --- names -------------------------------------------------------------------------------------------


def public_modules() -> Iterator[ModuleType]:
    yield globulin
    for info in pkgutil.walk_packages(globulin.__path__, "globulin."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            yield importlib.import_module(info.name)


def undocumented(module: ModuleType) -> Iterator[str]:
    """Public classes and functions of a module, and itself, without a docstring (ruff holds the methods)."""
    if not (module.__doc__ or "").strip():
        yield module.__name__
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        # a dataclass without a docstring is given its signature as one
        if inspect.isclass(value):
            words = value.__dict__.get("__doc__") or ""
            missing = not words.strip() or words.startswith(f"{value.__name__}(")
        else:
            missing = inspect.isfunction(value) and not (value.__doc__ or "").strip()
        if missing:
            yield f"{module.__name__}.{name}"


def test_every_public_name_has_a_docstring() -> None:
    assert [name for module in public_modules() for name in undocumented(module)] == []


# --- examples ----------------------------------------------------------------------------------------


def examples(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Each `$ globulin ...` of a page's console blocks, with the lines that are shown below it."""
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            yield command, shown


EXAMPLES = [(named(page), command, shown) for page in PAGES for command, shown in examples(page)]


def test_there_are_examples() -> None:
    assert {"evidence", "regimens", "claims", "cite", "check", "schema"} <= {
        command.split()[1] for _, command, _ in EXAMPLES
    }


@pytest.fixture
def globulin_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[int, str, str]]:
    """Runs one command line as a user would, in an empty folder with `tests/toy`: status, output, errors."""
    from globulin.cli import main

    shutil.copytree(ROOT / "tests" / "toy", tmp_path / "tests" / "toy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(command: str) -> tuple[int, str, str]:
        program, *arguments = command.split()
        assert program == "globulin"
        monkeypatch.setattr(sys, "argv", ["globulin", *arguments])
        status = 0
        try:
            main()
        except SystemExit as stopped:
            status = int(stopped.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def plain(line: str) -> str:
    """A printed line without the rules of its table, so that the width of a column does not matter."""
    return re.sub(r"[\s\u2502\u2503]+", " ", line).strip()


@pytest.mark.parametrize(
    ("page", "command", "shown"), EXAMPLES, ids=[f"{page}: {command}" for page, command, _ in EXAMPLES]
)
def test_examples_run_and_print_what_is_shown(
    page: str, command: str, shown: list[str], globulin_says: Callable[[str], tuple[int, str, str]]
) -> None:
    status, said, problem = globulin_says(command)
    assert status == 0, problem
    lines = [plain(line) for line in said.splitlines()]
    at = 0
    for line in shown:
        if line.strip() == "...":
            continue
        start = plain(line.removesuffix(" ..."))
        rest = [i for i, printed in enumerate(lines[at:], at) if printed.startswith(start)]
        assert rest, f"{page} shows a line that is not printed (any more): {line}"
        at = rest[0] + 1


@pytest.mark.parametrize(
    "command",
    [
        "globulin evidence --dossir tests/toy",
        "globulin regimens --dossier tests/toy --weight-kg 1000",
        "globulin regimens --dossier tests/toy --price-list cms",
    ],
)
def test_the_errors_that_are_shown_are_those_that_are_printed(
    command: str, globulin_says: Callable[[str], tuple[int, str, str]]
) -> None:
    status, _, problem = globulin_says(command)
    assert status == 2
    assert problem in text_of("commands.md")


def test_the_faults_that_are_shown_are_those_that_are_printed(
    tmp_path: Path, globulin_says: Callable[[str], tuple[int, str, str]]
) -> None:
    faulty = tmp_path / "tests" / "toy" / "regimens" / "toy_weekly_im.yaml"
    words = (
        faulty.read_text(encoding="utf-8").replace("origin:", "orign:").replace("of: toy_im", "of: toy_mi")
    )
    faulty.write_text(words, encoding="utf-8")
    status, _, problem = globulin_says("globulin check tests/toy")
    assert status == 1
    assert f"```text\n{problem}```" in text_of("content.md")


def test_yaml_examples_are_records() -> None:
    from pydantic import TypeAdapter
    from ruamel.yaml import YAML

    from globulin.dossier.certainty import DomainRating
    from globulin.dossier.hazard import Check
    from globulin.dossier.provenance import Fact
    from globulin.dossier.study import Outcome, PooledResult
    from globulin.dossier.treatment import Regimen

    records: dict[str, TypeAdapter[Any]] = {
        "n_randomised": TypeAdapter(Fact[int]),
        "interval_day": TypeAdapter(Fact[float]),
        "route": TypeAdapter(Fact[str]),
        "regimen": TypeAdapter(Regimen),
        "checks": TypeAdapter(tuple[Check, ...]),
        "outcomes": TypeAdapter(tuple[Outcome, ...]),
        "pooled": TypeAdapter(PooledResult),
        "ratings": TypeAdapter(tuple[DomainRating, ...]),
    }
    seen = set()
    for block in re.findall(r"^```yaml\n(.*?)^```", text_of("content.md"), re.M | re.S):
        for key, value in (YAML(typ="safe").load(block) or {}).items():
            records[key].validate_json(json.dumps(value))
            seen.add(key)
    assert seen == records.keys()


def test_commands_in_shell_blocks_exist() -> None:
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
            for line in filter(None, block.splitlines()):
                program, *arguments = line.split("#")[0].split()
                if program.startswith("scripts/"):
                    assert os.access(ROOT / program, os.X_OK), f"{named(page)}: {program}"
                elif program.endswith("globulin"):
                    assert arguments[0] in COMMANDS, f"{named(page)}: {line}"
                else:
                    assert program.endswith("python"), f"{named(page)}: {line}"
                    assert (ROOT / arguments[0]).exists(), f"{named(page)}: {line}"


# --- links -------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Ids of a page's headings, as the manual makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_between_pages_resolve(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(there), f"{target} has no such heading"


def test_every_page_is_in_the_navigation() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]

    def targets(entries: list[dict[str, object]]) -> Iterator[str]:
        for entry in entries:
            for value in entry.values():
                if isinstance(value, list):
                    yield from targets(value)
                else:
                    yield str(value)

    assert sorted(targets(project["nav"])) == sorted(
        page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")
    )


def test_every_decision_is_listed_dated_and_says_what_would_change_it() -> None:
    index = text_of("decisions/index.md")
    for record in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        words = record.read_text(encoding="utf-8")
        assert f"]({record.name})" in index
        assert re.search(r"^\d{4}-\d{2}-\d{2}$", words, flags=re.MULTILINE), record.name
        for heading in ("Context", "Choice", "Reason", "What would change it"):
            assert f"## {heading}\n" in words, f"{record.name}: {heading}"


# --- the built manual --------------------------------------------------------------------------------


def test_the_manual_builds_without_warnings_and_asks_no_other_site(tmp_path: Path) -> None:
    pytest.importorskip("zensical")
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "warning" not in (built.stdout + built.stderr).lower()
    pages = sorted((tmp_path / "build" / "docs").rglob("*.html"))
    assert len(pages) >= len(list(DOCS.rglob("*.md")))
    for page in pages:
        loaded = re.findall(
            r"<(?:link|script|img|iframe|source)\b[^>]*?\b(?:href|src)=[\"']?((?:https?:)?//[^\"'\s>]+)",
            page.read_text(encoding="utf-8"),
        )
        assert loaded == [], f"{page.name} loads {loaded}"
