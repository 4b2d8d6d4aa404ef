"""How a command ends, as a scheduler reads it. README and `prevalence run --help` say the same."""

from __future__ import annotations

from prevalence.release.parts import Parts

EXIT_BLOCKED = 1
EXIT_USER = 2
EXIT_WAITING = 3
EXIT_FAILED = 4
EXIT_INTERRUPTED = 130
EXITS = {
    0: "something was published, or everything there is already was",
    EXIT_BLOCKED: "nothing new was published, and a gate or a part that is held back needs a person",
    EXIT_USER: "the command or its input cannot be used as it is",
    EXIT_WAITING: "nothing new was published: answers or days are waited for, and nobody needs to do anything but give them",
    EXIT_FAILED: "a step failed; the same command goes on from there",
}


def outcome(parts: Parts | None, is_published: bool) -> int:
    """The exit code of a run that came to its end."""
    if is_published or parts is None:
        return 0
    if parts.days("held") or (parts.days("withheld") and not parts.published):
        return EXIT_BLOCKED
    return EXIT_WAITING if parts.days("waiting") else 0
