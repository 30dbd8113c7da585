"""What can go wrong with files."""

from roster.kit.errors import InvalidInput, NotFound


class FileMissing(InvalidInput):
    """There is no file in the upload, or an empty one."""

    code = "file_missing"
    text = "No file provided"


class FileTooLarge(InvalidInput):
    """The file is larger than files may be."""

    code = "file_too_large"
    text = "File too large"


class FileKindRefused(InvalidInput):
    """The content is none of the kinds that are taken, whatever its name says."""

    code = "file_kind_refused"
    text = "File type not allowed"


class FileNotFound(NotFound):
    """No such file in this realm."""

    code = "file_not_found"
    text = "There is no such file."
