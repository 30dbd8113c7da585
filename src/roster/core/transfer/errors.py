"""What can go wrong with imports and exports."""

from roster.kit.errors import Conflict, InvalidInput, NotFound


class TransferNotFound(NotFound):
    """No such import or export in this realm, or one whose part is not there."""

    code = "transfer_not_found"
    text = "There is no such import or export."


class TransferState(Conflict):
    """The import or export is not in the state for this: finished already, not uploaded yet, its output too old."""

    code = "transfer_state"
    text = "The import or export is not in a state that allows this."


class TransferRunning(Conflict):
    """Another process works on this very import or export."""

    code = "transfer_running"
    text = "Another process is working on this import or export."


class TransferCancelled(Conflict):
    """Somebody has cancelled it; what was merged until then stays."""

    code = "transfer_cancelled"
    text = "The import or export was cancelled."


class MalformedSource(InvalidInput):
    """The file as a whole is not of the form it should be; the sentence says where."""

    code = "malformed_source"
    text = "The file is not of the expected form."

    @classmethod
    def because(cls, text: str) -> "MalformedSource":
        """With the sentence for whoever sent the file."""
        return cls((), text)
