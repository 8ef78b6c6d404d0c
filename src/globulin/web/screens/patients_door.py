"""What stands before the named patients: two packages, a file, its passphrase; and what asks for one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal

from fastapi import Request
from fastapi.responses import Response

from globulin.errors import InputError
from globulin.pages import words
from globulin.sealed.passphrases import SHORTEST_PASSPHRASE, NewPassphraseError, PassphraseError
from globulin.web import views
from globulin.web.desk import Desk
from globulin.web.forms import Field, Filled, posted, read
from globulin.web.keeper import MINUTES, State

_LONGEST: Final = 500


def _secret(name: str, label: str, hint: str = "") -> Field:
    return Field(name=name, label=label, kind="secret", hint=hint, required=True, longest=_LONGEST)


NEW: Final = (
    _secret(
        "passphrase",
        "New passphrase",
        f"At least {SHORTEST_PASSPHRASE} characters. Five or six words that do not belong together are a good"
        " one.",
    ),
    _secret("again", "The same once more"),
)
UNLOCK: Final = (_secret("passphrase", "Passphrase"),)
CHANGE: Final = (_secret("current", "Passphrase until now"), *NEW)


async def let_in(request: Request, desk: Desk, onward: str, *, new: bool) -> Response:
    """Unlock the file with what was typed, or make it, and go on to `onward`; or the form with its faults."""
    filled = alike(read((await posted(request)).pairs, NEW if new else UNLOCK))
    opening: Callable[[str], Awaitable[None]] = desk.patients.create if new else desk.patients.unlock
    if not filled.errors:
        try:
            await opening(str(filled.values["passphrase"]))
            return views.see(onward)
        except (PassphraseError, NewPassphraseError) as problem:
            filled = filled.with_error("passphrase", said_of(problem))
        except InputError as problem:
            filled = filled.with_error("", said_of(problem))
    return await door(request, desk, onward, filled)


async def door(
    request: Request,
    desk: Desk,
    onward: str,
    form: Filled | None = None,
    fault: str = "",
    *,
    back: str = "",
    what: str = "",
) -> Response:
    """The page of a store that is not unlocked; its forms lead to `onward`, and a link `back` to `what`."""
    state: State | Literal["unreachable"]
    try:
        state, path = await desk.patients.state(), str(desk.patients.path)
    except InputError as problem:
        state, path, form, fault = "unreachable", "", None, said_of(problem)
    if form is None:
        form = Filled(NEW if state == "none" else UNLOCK)
    return views.page(
        request,
        "patients/door.html",
        status=422 if form.errors or fault else 200,
        # a form that was refused is shown again as it was
        state="none" if form.fields == NEW else "locked" if form.errors else state,
        form=form,
        fault=fault,
        onward=onward,
        path=path,
        back=back,
        what=what,
        minutes=f"{MINUTES:g}",
    )


def alike(filled: Filled) -> Filled:
    """The same, with a fault where what was typed twice differs."""
    again = filled.values.get("again")
    if again is None or again == filled.values.get("passphrase"):
        return filled
    return filled.with_error("again", "This differs from the line above.")


def said_of(problem: InputError) -> str:
    """What was refused, as a sentence."""
    return words.sentence(words.capital(str(problem)))
