"""The encrypted file of named patients: opened by other means, attacked byte by byte, never half changed."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys
import textwrap
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from argon2 import low_level
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlcipher3 import dbapi2

from globulin.errors import InputError
from globulin.patient_store import LAYOUT, PatientStore, store_path
from globulin.sealed import databases, passphrases
from globulin.sealed.databases import FileLostError
from globulin.sealed.files import installed, is_there
from globulin.sealed.passphrases import NewPassphraseError, PassphraseError

PASSPHRASE = "plum lantern orbit thistle"  # noqa: S105  (of files that tests make)
NAME = "Zsófia Quandt"
PLAN = '{"globulin": "plan", "patient": {"weight_kg": 61.375}}\n'
_ZONE = timezone(timedelta(hours=2))
DAY, LATER = datetime(2026, 11, 3, 9, 5, tzinfo=_ZONE), datetime(2026, 11, 22, 14, 30, tzinfo=_ZONE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "patients" / "patients.globulin"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that costs nothing to make, where the key is not what is tested."""
    monkeypatch.setitem(passphrases._ARGON2, "memory_cost", 64)
    monkeypatch.setitem(passphrases._ARGON2, "time_cost", 1)


@pytest.fixture
def store(path: Path, quick: None) -> Iterator[PatientStore]:
    store = PatientStore.create(path, PASSPHRASE)
    yield store
    store.lock()


def files(path: Path) -> list[str]:
    """What lies in the folder."""
    return sorted(each.name for each in path.parent.iterdir())


def names(store: PatientStore) -> list[str]:
    return [each.name for each in store.patients()]


# --- the format, by other means ------------------------------------------------------------------------


def test_the_file_opens_by_what_is_documented_and_nothing_else(path: Path) -> None:
    """docs/patient_store.md by hand: Argon2id of the passphrase, the salt at the head, a raw key."""
    store = PatientStore.create(path, PASSPHRASE)
    store.keep_new(NAME, "plan", PLAN, DAY)
    store.lock()
    salt = path.read_bytes()[:16]
    key = low_level.hash_secret_raw(
        PASSPHRASE.encode(),
        salt,
        time_cost=3,
        memory_cost=64 * 1024,
        parallelism=4,
        hash_len=32,
        type=low_level.Type.ID,
        version=19,
    )
    other = dbapi2.connect(str(path))
    other.execute(f"PRAGMA key = \"x'{key.hex()}{salt.hex()}'\"")
    assert other.execute("SELECT name FROM patients").fetchall() == [(NAME,)]
    assert other.execute("SELECT kind, text, saved_on FROM documents").fetchall() == [
        ("plan", PLAN, "2026-11-03T09:05:00+02:00")
    ]
    assert other.execute("PRAGMA application_id").fetchone() == (int.from_bytes(b"GLOB"),)
    assert other.execute("PRAGMA user_version").fetchone() == (1,)
    # a file of its own, never beside it: no second file is left for somebody to forget
    assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    other.close()
    assert files(path) == [path.name]


def test_argon2_is_that_of_its_standard() -> None:
    """RFC 9106, 5.3: the test vector of Argon2id; it has a secret and associated data besides."""
    from argon2.low_level import ffi

    out = ffi.new("uint8_t[]", 32)
    buffers = [
        ffi.new("uint8_t[]", bytes([byte]) * size) for byte, size in ((1, 32), (2, 16), (3, 8), (4, 12))
    ]
    context = ffi.new(
        "argon2_context *",
        {
            "version": 0x13,
            "out": out,
            "outlen": 32,
            "pwd": buffers[0],
            "pwdlen": 32,
            "salt": buffers[1],
            "saltlen": 16,
            "secret": buffers[2],
            "secretlen": 8,
            "ad": buffers[3],
            "adlen": 12,
            "t_cost": 3,
            "m_cost": 32,
            "lanes": 4,
            "threads": 4,
            "allocate_cbk": ffi.NULL,
            "free_cbk": ffi.NULL,
            "flags": 0,
        },
    )
    assert low_level.core(context, low_level.Type.ID.value) == 0
    expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    assert bytes(ffi.buffer(out, 32)).hex() == expected


def test_plain_sqlite_reads_nothing(store: PatientStore, path: Path) -> None:
    store.keep_new(NAME, "plan", PLAN, DAY)
    plain = sqlite3.connect(path)
    with pytest.raises(sqlite3.DatabaseError):
        plain.execute("SELECT * FROM sqlite_master").fetchall()
    plain.close()


def test_nothing_of_a_person_stands_in_any_byte_of_the_folder(
    store: PatientStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at after each change, and in the middle of transactions, when the journal is there too."""
    secret = [NAME, NAME.encode("utf-16-le"), "61.375", "weight_kg", "documents", PASSPHRASE]
    words = [each if isinstance(each, bytes) else each.encode() for each in secret]
    seen: set[str] = set()

    def look() -> None:
        for file in path.parent.iterdir():
            raw = file.read_bytes()
            seen.add(file.name.removeprefix(path.name))
            assert not any(word in raw for word in words), file.name

    who = store.keep_new(NAME, "plan", PLAN, DAY)
    look()
    connection = store._file._connection
    # pages go to disk before the end, so that the journal holds those that were there before
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("PRAGMA cache_spill = 1")
    with store._file.writing() as held:
        held.execute("UPDATE documents SET text = ?", (PLAN * 4000,))
        held.execute("UPDATE documents SET earlier_text = ?", (PLAN * 4000,))
        look()
    assert "-journal" in seen
    store.remove(who)
    look()
    store.bring_back(who)
    store.change_passphrase(PASSPHRASE, "another one of four words")
    look()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_file_and_its_folder_are_its_owners_alone(path: Path, quick: None) -> None:
    path.parent.mkdir(mode=0o755)
    store = PatientStore.create(path, PASSPHRASE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    store.change_passphrase(PASSPHRASE, PASSPHRASE[::-1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.lock()


def test_it_lies_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBULIN_DATA_DIR", str(tmp_path))
    assert store_path() == tmp_path / "patients" / "patients.globulin"


def test_two_files_of_one_passphrase_have_nothing_in_common(tmp_path: Path, quick: None) -> None:
    raws = []
    for name in ("a", "b"):
        path = tmp_path / name / "patients.globulin"
        store = PatientStore.create(path, PASSPHRASE)
        store.keep_new(NAME, "plan", PLAN, DAY)
        store.lock()
        raws.append(path.read_bytes())
    blocks = [{raw[at : at + 16] for at in range(0, len(raw), 16)} for raw in raws]
    assert not blocks[0] & blocks[1]


# --- what is kept --------------------------------------------------------------------------------------


def test_what_is_kept_is_there_after_unlocking(path: Path, quick: None) -> None:
    store = PatientStore.create(path, PASSPHRASE)
    who = store.keep_new(NAME, "plan", PLAN, DAY)
    assert store.keep(who, "levels", "levels\n", LATER) == "new"
    store.lock()
    again = PatientStore.unlock(path, PASSPHRASE)
    (patient,) = again.patients()
    assert (patient.id, patient.name) == (who, NAME)
    assert {kind: each.saved for kind, each in patient.documents.items()} == {"plan": DAY, "levels": LATER}
    assert again.take(who, "plan") == PLAN
    again.lock()


def test_a_version_before_comes_back_and_goes_again(store: PatientStore) -> None:
    who = store.keep_new(NAME, "plan", "one", DAY)
    assert store.keep(who, "plan", "one", LATER) == "unchanged"
    assert store.patients()[0].documents["plan"].saved == DAY
    assert store.keep(who, "plan", "two", LATER) == "replaced"
    for text, saved_on, earlier in (("one", DAY, LATER), ("two", LATER, DAY)):
        store.bring_back_earlier(who, "plan", saved_on.isoformat())
        # the same once more means what is there already
        with pytest.raises(InputError, match="another one by now"):
            store.bring_back_earlier(who, "plan", saved_on.isoformat())
        document = store.patients()[0].documents["plan"]
        assert (store.take(who, "plan"), document.saved, document.earlier) == (text, saved_on, earlier)
    with pytest.raises(InputError, match="or there is none"):
        store.bring_back_earlier(who, "levels", DAY.isoformat())


def test_a_removed_patient_comes_back_until_it_is_locked(path: Path, quick: None) -> None:
    store = PatientStore.create(path, PASSPHRASE)
    who = store.keep_new(NAME, "plan", "one", DAY)
    store.keep(who, "plan", "two", LATER)
    before = store.patients()
    store.remove(who)
    assert (store.patients(), dict(store.removed)) == ((), {who: NAME})
    store.bring_back(who)
    assert (store.patients(), dict(store.removed)) == (before, {})
    assert store.take(who, "plan") == "two"
    store.remove(who)
    store.lock()
    again = PatientStore.unlock(path, PASSPHRASE)
    assert (again.patients(), dict(again.removed)) == ((), {})
    with pytest.raises(InputError, match="no longer"):
        again.bring_back(who)
    again.lock()


def test_somebody_else_who_has_the_name_keeps_it(store: PatientStore) -> None:
    who = store.keep_new(NAME, "plan", "one", DAY)
    store.remove(who)
    other = store.keep_new(NAME, "plan", "other", DAY)
    with pytest.raises(InputError, match="of this name already"):
        store.bring_back(who)
    store.rename(other, "Somebody else")
    store.bring_back(who)
    assert names(store) == ["Somebody else", NAME]


@pytest.mark.parametrize(
    "same", ["  Zsófia   Quandt ", "zsófia quandt", unicodedata.normalize("NFD", NAME), "Zsófia\tQuandt"]
)
def test_one_name_is_one_person(store: PatientStore, same: str) -> None:
    who = store.keep_new(NAME, "plan", PLAN, DAY)
    with pytest.raises(InputError, match="of this name already"):
        store.keep_new(same, "plan", PLAN, DAY)
    # one's own name may be written differently
    store.rename(who, same)
    assert len(store.patients()) == 1


@pytest.mark.parametrize("name", ["بی\u200cبی", "ශ්\u200dරී"], ids=["Persian", "Sinhala"])
def test_a_name_is_spelt_as_its_script_spells_it(store: PatientStore, name: str) -> None:
    store.keep_new(name, "plan", PLAN, DAY)
    assert names(store) == [name]
    with pytest.raises(InputError, match="of this name already"):
        store.keep_new(name.replace("\u200c", "").replace("\u200d", ""), "plan", PLAN, DAY)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "needed"),
        (" \t", "needed"),
        ("\u200d \u200c", "needed"),
        ("x" * 121, "up to 120"),
        ("a\x00b", "printed"),
        ("a\u202eb", "printed"),
    ],
)
def test_what_is_no_name_is_refused(store: PatientStore, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        store.keep_new(name, "plan", PLAN, DAY)
    assert store.patients() == ()


def test_who_is_not_there_is_said(store: PatientStore) -> None:
    for operation in (
        lambda: store.keep("0" * 32, "plan", PLAN, DAY),
        lambda: store.rename("0" * 32, "A"),
        lambda: store.remove("0" * 32),
        lambda: store.take("0" * 32, "plan"),
    ):
        with pytest.raises(InputError, match="no longer"):
            operation()


_NAMES = st.text(st.characters(categories=["L", "N", "P", "S", "M"]), min_size=1, max_size=40)


@given(_NAMES, st.text(max_size=300), st.text(min_size=12, max_size=60))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_text_and_passphrase_come_back(
    tmp_path_factory: pytest.TempPathFactory, quick: None, name: str, text: str, passphrase: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "patients.globulin"
    try:
        store = PatientStore.create(path, passphrase)
    except NewPassphraseError:
        unknown = any(unicodedata.category(each) in ("Cn", "Cs") for each in passphrase)
        assert unknown or len(unicodedata.normalize("NFKC", passphrase)) < 12
        assert not path.exists()
        return
    try:
        who = store.keep_new(name, "plan", text, DAY)
    except InputError:
        assert not unicodedata.normalize("NFC", name).strip().isprintable() or not name.strip()
        store.lock()
        return
    store.lock()
    # the same letters, composed in another way
    again = PatientStore.unlock(path, unicodedata.normalize("NFD", passphrase))
    assert again.take(who, "plan") == text
    assert names(again) == [" ".join(unicodedata.normalize("NFC", name).split())]
    again.lock()


# --- passphrases ---------------------------------------------------------------------------------------


def test_a_wrong_passphrase_opens_nothing_and_changes_nothing(store: PatientStore, path: Path) -> None:
    store.keep_new(NAME, "plan", PLAN, DAY)
    store.lock()
    before = path.read_bytes()
    for wrong in ("", "plum", PASSPHRASE.upper(), PASSPHRASE + " ", "'; DROP TABLE patients; --"):
        with pytest.raises(PassphraseError, match="cannot be told apart") as refused:
            PatientStore.unlock(path, wrong)
        assert not wrong or wrong not in str(refused.value)
    assert path.read_bytes() == before
    assert files(path) == [path.name]


@pytest.mark.parametrize("short", ["", "eleven char", "e\u0301" * 6])
def test_a_short_passphrase_is_refused(path: Path, short: str) -> None:
    """The last one is six letters, of two characters each as they came."""
    with pytest.raises(NewPassphraseError, match="at least 12"):
        PatientStore.create(path, short)
    assert not path.parent.exists()


@pytest.mark.parametrize("odd", ["\ud800", "\U000e0fff"])
def test_a_character_that_may_change_its_meaning_is_refused(path: Path, quick: None, odd: str) -> None:
    with pytest.raises(NewPassphraseError, match="not known here"):
        PatientStore.create(path, PASSPHRASE + odd)
    PatientStore.create(path, PASSPHRASE).lock()
    with pytest.raises(PassphraseError, match="not known here"):
        PatientStore.unlock(path, PASSPHRASE + odd)


def test_another_passphrase_opens_the_same_patients(store: PatientStore, path: Path) -> None:
    who = store.keep_new(NAME, "plan", "one", DAY)
    store.keep(who, "plan", "two", LATER)
    before, salt = store.patients(), path.read_bytes()[:16]
    with pytest.raises(PassphraseError, match="not the passphrase"):
        store.change_passphrase("not the passphrase", "another one of four words")
    with pytest.raises(NewPassphraseError):
        store.change_passphrase(PASSPHRASE, "short")
    store.change_passphrase(PASSPHRASE, "another one of four words")
    assert store.patients() == before
    store.keep(who, "levels", "three", LATER)
    store.lock()
    assert path.read_bytes()[:16] != salt
    assert files(path) == [path.name]
    with pytest.raises(PassphraseError):
        PatientStore.unlock(path, PASSPHRASE)
    again = PatientStore.unlock(path, "another one of four words")
    assert again.take(who, "levels") == "three"
    again.lock()


@pytest.mark.parametrize("step", ["copy", "replace"])
def test_a_change_of_passphrase_that_fails_half_way_loses_nothing(
    store: PatientStore, path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    who = store.keep_new(NAME, "plan", PLAN, DAY)
    before = path.read_bytes()

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        if step == "copy":
            patch.setattr("globulin.patient_store._copy", fails)
        else:
            patch.setattr(Path, "replace", fails)
        with pytest.raises(InputError, match=r"No space left on device; nothing was changed"):
            store.change_passphrase(PASSPHRASE, "another one of four words")
    assert path.read_bytes() == before
    assert files(path) == [path.name]
    # it goes on with the passphrase until now
    assert store.take(who, "plan") == PLAN
    store.keep(who, "plan", "more", DAY)


# --- faults --------------------------------------------------------------------------------------------


def filled(path: Path) -> bytes:
    store = PatientStore.create(path, PASSPHRASE)
    for number in range(12):
        store.keep_new(f"Patient {number}", "plan", PLAN * 60, DAY)
    store.lock()
    return path.read_bytes()


def test_every_flipped_bit_is_found_and_left_as_it_is(path: Path, quick: None) -> None:
    """Each byte of a page is under its HMAC; the salt at the head makes the key. 200 seeded places."""
    raw = filled(path)
    draw = random.Random(20261122)  # noqa: S311  (a seed, no secret)
    places = {0, 15, 16, 4095, 4096, len(raw) - 1} | {draw.randrange(len(raw)) for _ in range(200)}
    for at in sorted(places):
        damaged = bytearray(raw)
        damaged[at] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        kind, said = (
            (PassphraseError, "cannot be told apart")
            if at < 4096
            else (FileLostError, "this file is damaged")
        )
        with pytest.raises(kind, match=said) as refused:
            PatientStore.unlock(path, PASSPHRASE)
        assert "\n" not in str(refused.value)
        assert path.read_bytes() == bytes(damaged), at
    assert files(path) == [path.name]


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        (b"", InputError, "no file of patients"),
        (b"short", InputError, "no file of patients"),
        (b'{"globulin": "plan"}\n' * 5000, InputError, "no file of patients"),
        (b"SQLite format 3\0" + bytes(range(256)) * 16, InputError, "no file of patients"),
        (random.Random(1).randbytes(8192), PassphraseError, "cannot be told apart"),  # noqa: S311
    ],
)
def test_what_is_no_such_file_is_said(
    path: Path, quick: None, raw: bytes, kind: type[InputError], said: str
) -> None:
    path.parent.mkdir()
    path.write_bytes(raw)
    with pytest.raises(kind, match=said):
        PatientStore.unlock(path, PASSPHRASE)
    with pytest.raises(InputError, match="there is such a file already"):
        PatientStore.create(path, PASSPHRASE)
    assert path.read_bytes() == raw


@pytest.mark.parametrize("keep", [4096, 4096 + 2000, -4096, -1])
def test_a_file_that_is_cut_off_is_damaged(path: Path, quick: None, keep: int) -> None:
    raw = filled(path)[:keep]
    path.write_bytes(raw)
    with pytest.raises(FileLostError, match="this file is damaged"):
        PatientStore.unlock(path, PASSPHRASE)
    assert path.read_bytes() == raw


def changed_by_hand(path: Path, statement: str) -> None:
    salt = path.read_bytes()[:16]
    key = passphrases.derived(PASSPHRASE, salt)
    other = dbapi2.connect(str(path), isolation_level=None)
    other.execute(f"PRAGMA key = \"x'{key.hex()}{salt.hex()}'\"")
    other.execute(statement)
    other.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "PRAGMA user_version = 2",
            "made by a newer globulin .version 2 of the file; this one reads up to 1",
        ),
        ("PRAGMA application_id = 7", "no file of patients"),
    ],
)
def test_a_newer_file_and_that_of_another_program_are_left_alone(
    store: PatientStore, path: Path, statement: str, said: str
) -> None:
    store.lock()
    changed_by_hand(path, statement)
    before = path.read_bytes()
    with pytest.raises(InputError, match=said):
        PatientStore.unlock(path, PASSPHRASE)
    assert path.read_bytes() == before


def test_a_second_one_waits_and_is_told(
    store: PatientStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = store.keep_new(NAME, "plan", PLAN, DAY)
    monkeypatch.setattr(databases, "_BUSY_SECONDS", 0.05)
    second = PatientStore.unlock(path, PASSPHRASE)
    with store._file.writing() as held:
        held.execute("DELETE FROM documents")
        with pytest.raises(InputError, match="another globulin is writing to it; try again"):
            second.rename(who, "B")
        # who only looks sees what was there before
        assert names(second) == [NAME]
    second.rename(who, "B")
    assert names(store) == ["B"]
    second.lock()


def test_a_file_under_another_passphrase_is_not_written_by_who_had_it_open(
    store: PatientStore, path: Path
) -> None:
    second = PatientStore.unlock(path, PASSPHRASE)
    who = store.keep_new(NAME, "plan", PLAN, DAY)
    store.change_passphrase(PASSPHRASE, "another one of four words")
    with pytest.raises(FileLostError, match="moved, removed or replaced"):
        second.rename(who, "B")
    second.lock()
    assert names(store) == [NAME]


def test_a_file_that_vanished_is_not_made_again(store: PatientStore, path: Path) -> None:
    who = store.keep_new(NAME, "plan", PLAN, DAY)
    path.rename(path.with_suffix(".moved"))
    for operation in (store.patients, lambda: store.rename(who, "B")):
        with pytest.raises(FileLostError, match="moved, removed or replaced"):
            operation()
    assert not path.exists()
    with pytest.raises(InputError, match="there is no such file"):
        PatientStore.unlock(path, PASSPHRASE)


def test_a_file_that_was_overwritten_is_noticed(store: PatientStore, path: Path, tmp_path: Path) -> None:
    """Another file's bytes in the very same file, as a copy over it leaves them."""
    who = store.keep_new(NAME, "plan", PLAN, DAY)
    other = tmp_path / "other" / path.name
    PatientStore.create(other, "another one of four words").lock()
    with path.open("r+b") as stream:
        stream.write(other.read_bytes())
        stream.truncate()
    with pytest.raises(FileLostError, match="damaged, or was changed from outside"):
        store.rename(who, "B")
    assert path.read_bytes() == other.read_bytes()


def test_a_full_disk_changes_nothing(store: PatientStore, path: Path) -> None:
    who = store.keep_new(NAME, "plan", PLAN, DAY)
    before = path.read_bytes()
    connection = store._file._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(InputError, match="the disk is full; nothing was changed"):
        store.keep(who, "levels", "x" * 100_000, DAY)
    assert path.read_bytes() == before
    assert store.take(who, "plan") == PLAN


@pytest.mark.skipif(sys.platform != "linux", reason="limits and users as on Linux")
@pytest.mark.parametrize(
    ("before", "said"),
    [
        # the file may not grow: what a full disk looks like to a program
        ("resource.setrlimit(resource.RLIMIT_FSIZE, (24576, 24576))", "nothing was changed"),
        ("os.chmod(path, 0o400); drop()", "cannot be written; look at whose it is"),
        ("os.chmod(path.parent, 0o500); drop()", "cannot be"),
    ],
)
def test_what_the_system_refuses_changes_nothing(path: Path, quick: None, before: str, said: str) -> None:
    """In a process of its own that no longer is the administrator, who may do everything."""
    script = f"""
    import os, resource, signal, sys
    from datetime import datetime
    from pathlib import Path
    from globulin.sealed import passphrases
    from globulin.errors import InputError
    from globulin.patient_store import PatientStore
    passphrases._ARGON2.update(memory_cost=64, time_cost=1)
    path = Path(sys.argv[1])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if os.getuid() == 0:
        import sqlcipher3.dbapi2, argon2.low_level, tempfile, encodings.idna
    def drop():
        if os.getuid() == 0:
            for each in (path, path.parent, path.parent.parent):
                os.chown(each, 65534, 65534)
            os.setuid(65534)
    {before}
    store = PatientStore.unlock(path, {PASSPHRASE!r})
    (patient,) = store.patients()
    try:
        store.keep(patient.id, "levels", "x" * 100_000, datetime(2026, 11, 22, 14, 30))
    except InputError as problem:
        print(problem)
    print([list(each.documents) for each in store.patients()])
    """
    # a folder that others may pass through, which pytest's own are not
    store = PatientStore.create(path, PASSPHRASE)
    store.keep_new(NAME, "plan", PLAN, DAY)
    store.lock()
    if os.getuid() == 0:
        for folder in path.parents:
            if folder.stat().st_mode & 0o077 == 0 and folder != path.parent:
                folder.chmod(0o711)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told, there = done.stdout.splitlines()
    assert said in told
    assert there == "[['plan']]"
    assert done.stderr == ""
    # what is taken back may be encrypted anew, so bytes may differ
    again = PatientStore.unlock(path, PASSPHRASE)
    assert [again.take(each.id, "plan") for each in again.patients()] == [PLAN]
    again.lock()


def cut_off(path: Path, change: str, passphrase: str = PASSPHRASE) -> Path:
    """A process dies in a change, its pages partly on disk; gives the journal that it leaves."""
    script = f"""
    import os, sys
    from pathlib import Path
    from globulin.sealed import passphrases
    from globulin.patient_store import PatientStore
    passphrases._ARGON2.update(memory_cost=64, time_cost=1)
    store = PatientStore.unlock(Path(sys.argv[1]), sys.argv[2])
    store._file._connection.execute("PRAGMA cache_size = 1")
    with store._file.writing() as held:
        {change}
        os._exit(9)
    """
    raw = path.read_bytes()
    command = [sys.executable, "-c", textwrap.dedent(script), str(path), passphrase]
    assert subprocess.run(command, check=False, timeout=60).returncode == 9
    assert path.read_bytes() != raw
    journal = path.with_name(f"{path.name}-journal")
    assert journal.exists()
    return journal


LONGER = 'held.execute("UPDATE documents SET text = ?", ("x" * 200_000,))'
RENAMED = """
        held.execute("UPDATE patients SET name = 'later', sought = 'later' || sought")
        held.execute("UPDATE documents SET text = ?", ("y" * 40_000,))
"""


def test_an_interrupted_change_is_undone_by_the_next(path: Path, quick: None) -> None:
    """The journal of a process that died brings the pages back."""
    store = PatientStore.create(path, PASSPHRASE)
    who = store.keep_new(NAME, "plan", PLAN * 100, DAY)
    store.lock()
    cut_off(path, LONGER)
    # one who tries a wrong passphrase first spoils nothing
    with pytest.raises(PassphraseError):
        PatientStore.unlock(path, "not the passphrase")
    store = PatientStore.unlock(path, PASSPHRASE)
    assert store.take(who, "plan") == PLAN * 100
    assert store.set_aside is None
    store.lock()
    assert files(path) == [path.name]


@pytest.mark.parametrize("change", [LONGER, RENAMED], ids=["longer", "the same pages"])
@pytest.mark.parametrize("other_passphrase", [False, True])
def test_a_backup_is_not_overwritten_by_the_journal_of_a_later_state(
    path: Path, quick: None, change: str, other_passphrase: bool
) -> None:
    """The second change touches pages that the backup has too, so that a mixture of both could look whole."""
    store = PatientStore.create(path, PASSPHRASE)
    who = store.keep_new(NAME, "plan", "a" * 40_000, DAY)
    store.lock()
    backup = path.read_bytes()
    store, now = PatientStore.unlock(path, PASSPHRASE), PASSPHRASE
    if other_passphrase:
        now = "another one of four words"
        store.change_passphrase(PASSPHRASE, now)
    store.keep(who, "plan", "b" * 40_000, LATER)
    store.rename(who, "Somebody else")
    store.lock()
    left = cut_off(path, change, now).read_bytes()
    path.write_bytes(backup)
    with pytest.raises(PassphraseError):
        PatientStore.unlock(path, "not the passphrase")
    assert path.read_bytes() == backup
    store = PatientStore.unlock(path, PASSPHRASE)
    aside = path.with_name(f"{path.name}-journal.aside")
    assert store.set_aside == aside
    assert (names(store), store.take(who, "plan")) == ([NAME], "a" * 40_000)
    store.lock()
    assert path.read_bytes() == backup
    assert aside.read_bytes() == left
    assert files(path) == [path.name, aside.name]
    # and it stays so
    store = PatientStore.unlock(path, PASSPHRASE)
    assert (store.set_aside, names(store)) == (None, [NAME])
    store.lock()


def test_a_journal_that_would_make_a_whole_file_of_two_states_is_put_aside(path: Path, quick: None) -> None:
    """One page of a later state in a backup of the same form: authentic and in order, and the wrong plan."""
    store = PatientStore.create(path, PASSPHRASE)
    who = store.keep_new(NAME, "plan", "a", DAY)
    backup = path.read_bytes()
    store.keep(who, "plan", "b", LATER)
    store.keep(who, "plan", "c", LATER + timedelta(days=1))
    store.lock()
    cut_off(
        path,
        """
        held.execute("UPDATE documents SET text = 'd'")
        held.execute("INSERT INTO patients VALUES ('x', hex(zeroblob(50000)), 'x')")
        """,
    )
    path.write_bytes(backup)
    store = PatientStore.unlock(path, PASSPHRASE)
    assert store.take(who, "plan") == "a"
    assert store.set_aside is not None
    store.lock()
    assert path.read_bytes() == backup


def test_a_new_file_is_not_spoilt_by_a_journal_that_belongs_to_nothing(path: Path, quick: None) -> None:
    store = PatientStore.create(path, PASSPHRASE)
    store.keep_new(NAME, "plan", PLAN * 100, DAY)
    store.lock()
    journal = cut_off(path, LONGER)
    path.unlink()
    store = PatientStore.create(path, "another one of four words")
    assert store.set_aside == journal.with_name(f"{journal.name}.aside")
    assert store.patients() == ()
    store.keep_new(NAME, "plan", PLAN, DAY)
    store.lock()
    again = PatientStore.unlock(path, "another one of four words")
    assert names(again) == [NAME]
    again.lock()


def test_where_neither_state_is_whole_both_files_are_left(path: Path, quick: None) -> None:
    store = PatientStore.create(path, PASSPHRASE)
    store.keep_new(NAME, "plan", PLAN * 600, DAY)
    store.lock()
    journal = cut_off(path, LONGER)
    damaged = bytearray(path.read_bytes())
    damaged[4096 + 100 :: 4096] = bytes(byte ^ 1 for byte in damaged[4096 + 100 :: 4096])
    path.write_bytes(damaged)
    cut = journal.read_bytes()[:6000]
    journal.write_bytes(cut)
    with pytest.raises(FileLostError, match="this file is damaged"):
        PatientStore.unlock(path, PASSPHRASE)
    assert (path.read_bytes(), journal.read_bytes()) == (bytes(damaged), cut)
    assert files(path) == [path.name, journal.name]


def test_a_journal_that_is_being_written_is_left_alone(store: PatientStore, path: Path) -> None:
    """Another process unlocks in the middle of a change; its locks are not those of this one."""
    who = store.keep_new(NAME, "plan", PLAN, DAY)
    script = """
    import sys
    from pathlib import Path
    from globulin.sealed import passphrases
    from globulin.patient_store import PatientStore
    passphrases._ARGON2.update(memory_cost=64, time_cost=1)
    store = PatientStore.unlock(Path(sys.argv[1]), sys.argv[2])
    print(store.set_aside, [each.name for each in store.patients()])
    """
    with store._file.writing() as held:
        held.execute("UPDATE documents SET text = 'changed'")
        assert path.with_name(f"{path.name}-journal").exists()
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), str(path), PASSPHRASE],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"None ['{NAME}']\n"
    assert store.take(who, "plan") == "changed"
    assert files(path) == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="links need no right there")
def test_a_passphrase_is_changed_where_a_link_leads(path: Path, quick: None, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real.globulin"
    PatientStore.create(real, PASSPHRASE).lock()
    path.parent.mkdir()
    path.symlink_to(real)
    store = PatientStore.unlock(path, PASSPHRASE)
    store.change_passphrase(PASSPHRASE, "another one of four words")
    store.lock()
    assert path.is_symlink()
    for way in (path, real):
        with pytest.raises(PassphraseError):
            PatientStore.unlock(way, PASSPHRASE)
        PatientStore.unlock(way, "another one of four words").lock()


@pytest.mark.skipif(os.name != "posix", reason="links need no right there")
def test_a_place_where_no_file_can_be_is_said(tmp_path: Path, quick: None) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for folder in ("file", "link"):
        with pytest.raises(InputError, match=f"{folder}: no folder can be made here"):
            PatientStore.create(tmp_path / folder / "patients.globulin", PASSPHRASE)
    with pytest.raises(InputError, match="a link to a file that is not there"):
        PatientStore.create(tmp_path / "link", PASSPHRASE)
    with pytest.raises(InputError, match="a link to a file that is not there"):
        is_there(tmp_path / "link")
    with pytest.raises(InputError, match="cannot be reached"):
        is_there(tmp_path / "file" / "patients.globulin")
    assert not is_there(tmp_path / "none")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "link"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_data_folder_of_nobody_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBULIN_DATA_DIR", "~nobody-of-this-name/x")
    with pytest.raises(InputError, match="GLOBULIN_DATA_DIR"):
        store_path()


def test_what_a_killed_change_left_is_deleted_and_nothing_else(path: Path, quick: None) -> None:
    PatientStore.create(path, PASSPHRASE).lock()
    strays = [".patients-ab1_cdef", ".patients-ab1_cdef-journal"]
    others = [".patients-short", ".patients-ab1_cdef.mine", "x.patients-ab1_cdef", ".other-ab1_cdef"]
    for name in strays + others:
        (path.parent / name).write_bytes(path.read_bytes())
    (path.parent / ".patients-ffffffff").mkdir()
    left = sorted([path.name, *others, ".patients-ffffffff"])
    PatientStore.unlock(path, PASSPHRASE).lock()
    assert files(path) == left
    for name in strays:
        (path.parent / name).write_bytes(b"x")
    path.unlink()
    PatientStore.create(path, PASSPHRASE).lock()
    assert files(path) == left


def test_what_a_change_in_progress_writes_is_not_deleted(
    store: PatientStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that unlocks finds the new file beside, and the lock of who writes it."""
    monkeypatch.setattr(databases, "_BUSY_SECONDS", 0.05)
    stray = path.parent / ".patients-ab1_cdef"
    with store._file.writing():
        stray.touch()
        PatientStore.unlock(path, PASSPHRASE).lock()
        assert stray.exists()


def test_without_hard_links_it_is_made_and_nothing_is_overwritten(
    path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuses)
    PatientStore.create(path, PASSPHRASE).lock()
    raw = path.read_bytes()
    with pytest.raises(InputError, match="there is such a file already"):
        PatientStore.create(path, PASSPHRASE)
    assert path.read_bytes() == raw
    assert files(path) == [path.name]
    PatientStore.unlock(path, PASSPHRASE).lock()


# --- without the extra ---------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["sqlcipher3", "argon2"])
def test_without_a_package_it_says_what_to_install(
    path: Path, quick: None, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    PatientStore.create(path, PASSPHRASE).lock()
    assert installed()
    for name in [each for each in sys.modules if each.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert not installed()
    with pytest.raises(InputError, match=r'pip install -e "\.\[secure\]"'):
        PatientStore.unlock(path, PASSPHRASE)
    other = path.parent / "new" / path.name
    with pytest.raises(InputError, match=r'pip install -e "\.\[secure\]"'):
        PatientStore.create(other, PASSPHRASE)
    assert not other.parent.exists()


def test_nothing_of_it_is_loaded_before_it_is_used() -> None:
    code = (
        "import sys, globulin.patient_store, globulin.web.app\n"
        "print([name for name in ('sqlcipher3', 'argon2', 'sqlite3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_layout_says_what_it_is() -> None:
    assert (LAYOUT.application, LAYOUT.version) == (0x474C4F42, 1)
