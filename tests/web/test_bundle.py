"""The app's one script: it names every licence and asks nobody for anything, and the check of it can fail.

That it is what frontend/ gives is the check itself (scripts/check); it needs npm and the packages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "src" / "globulin" / "web" / "static"


@dataclass(frozen=True)
class Checkout:
    """A folder with the script that builds, and with an npm and a node that do as they are told."""

    folder: Path

    def tool(self, name: str, does: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)

    def check(self) -> tuple[int, str]:
        ended = subprocess.run(
            [self.folder / "scripts" / "frontend", "--check"],
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        )
        return ended.returncode, ended.stderr

    def files(self) -> dict[str, str]:
        return {
            str(path): path.read_text()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.parent.name != "bin"
        }


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name in ("scripts", "frontend", "bin", "src/globulin/web/static"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "frontend", tmp_path / "scripts")
    for name in ("app.js", "app.licences.txt"):
        (tmp_path / "src/globulin/web/static" / name).write_text("as built\n")
    made = Checkout(tmp_path)
    made.tool("npm", "exit 0")
    made.tool("node", 'printf "as built\\n" | tee "$2/app.js" >"$2/app.licences.txt"')
    return made


def test_what_the_sources_give_passes_and_nothing_is_changed(checkout: Checkout) -> None:
    before = checkout.files()
    assert checkout.check() == (0, "")
    assert checkout.files() == before


@pytest.mark.parametrize("name", ["app.js", "app.licences.txt"])
def test_what_the_sources_do_not_give_is_refused(checkout: Checkout, name: str) -> None:
    path = checkout.folder / "src/globulin/web/static" / name
    path.write_text("as built, and a little more\n")
    before = checkout.files()
    status, said = checkout.check()
    assert status == 1
    assert f"{name} is not what frontend/ gives: run scripts/frontend" in said
    assert checkout.files() == before


@pytest.mark.parametrize("code", ["EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT"])
def test_without_a_network_it_says_that_nothing_was_compared(checkout: Checkout, code: str) -> None:
    checkout.tool("npm", f"echo 'npm error code {code} https://registry.example/x' >&2; exit 1")
    status, said = checkout.check()
    assert status == 0
    assert "was not built again and compared" in said
    assert "example" not in said


@pytest.mark.parametrize("code", ["EINTEGRITY", "EUSAGE", "ENOSPC"])
def test_any_other_fault_of_the_packages_is_one(checkout: Checkout, code: str) -> None:
    checkout.tool("npm", f"echo 'npm error code {code} https://registry.example/x' >&2; exit 1")
    status, said = checkout.check()
    assert (status, said) == (1, f"npm error code {code} (an address)\n")


def test_the_lock_names_every_package_by_its_hash_and_none_by_an_address() -> None:
    lock = json.loads((FRONTEND / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())
    asked = json.loads((FRONTEND / "package.json").read_text(encoding="utf-8"))
    exact = {**asked["dependencies"], **asked["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in exact.values())
    settings = (FRONTEND / ".npmrc").read_text(encoding="utf-8").split()
    # a package may not run anything of its own when it is installed
    assert settings == ["ignore-scripts=true", "omit-lockfile-registry-resolved=true"]


def test_every_package_in_it_is_named_with_its_licence() -> None:
    text = (STATIC / "app.licences.txt").read_text(encoding="utf-8")
    parts = re.findall(r"^(\S+) (\d+\.\d+\.\d+): (\S+)\n\n(.{200})", text, flags=re.MULTILINE | re.DOTALL)
    asked = json.loads((FRONTEND / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert asked.items() <= {(name, version) for name, version, *_ in parts}
    assert {licence for *_, licence, _ in parts} <= {"0BSD", "BSD-0-Clause", "BSD-3-Clause", "ISC", "MIT"}
    assert len(parts) == text.count("-" * 80)


def test_it_is_one_plain_script_of_a_known_size() -> None:
    script = (STATIC / "app.js").read_text(encoding="utf-8")
    assert "sourceMappingURL" not in script
    assert "import(" not in script.replace("@import(", "")
    # it is parsed on every page: what is much larger than this is worth a second look
    assert len(script.encode()) < 1_000_000
