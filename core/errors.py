"""The refusals of the portal: what happened, to which thing, and the way out.

PortalError
├── Invalid      the input breaks a rule it can be mended by
├── NotFound     no such thing, or not visible to the asker
├── NotAllowed   the asker may not do this
├── Conflict     somebody else was first, or the state forbids it
└── Unavailable  a system the portal depends on does not answer

Only edges (pages, API, command line) translate them into a message, an HTTP status or an exit code.
"""


class PortalError(Exception):
    """A refusal with a stable code for programs, a message for people and a hint that says what to do now."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Invalid(PortalError):
    """The input breaks a rule; the message names the field and the rule."""

    code = "invalid"


class NotFound(PortalError):
    """No such thing exists, or it is not visible to the asker: the two are not told apart."""

    code = "not_found"


class NotAllowed(PortalError):
    """The asker is known but lacks the permission, or separation of duties forbids it."""

    code = "not_allowed"


class Conflict(PortalError):
    """The thing changed meanwhile, or its state does not admit the action."""

    code = "conflict"


class Unavailable(PortalError):
    """A system outside the portal (MLflow, git, the identity provider, the database) does not answer."""

    code = "unavailable"
