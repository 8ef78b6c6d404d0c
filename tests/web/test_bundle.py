"""The app's one script: it is what frontend/ gives, names every licence, and asks nobody for anything."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "src" / "globulin" / "web" / "static"
OFFLINE = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED")


def test_it_is_what_the_sources_give() -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed, so the script cannot be built again")
    built = subprocess.run([ROOT / "scripts" / "frontend", "--check"], capture_output=True, text=True)
    if built.returncode and OFFLINE.search(built.stderr):
        pytest.skip("the packages of the script are not at hand, and no registry can be reached")
    assert built.returncode == 0, built.stderr


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
