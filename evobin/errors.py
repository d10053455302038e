"""The exceptions that a user can do something about."""


class EvobinError(Exception):
    """A problem that the user can fix: bad input, a full disk, an output folder in the way.

    Its text names the file, line or field and says what to do. The command line prints it
    after `evobin: ` and exits with 1; no traceback is shown.
    """


LISTED = 10
"""Problems that one message lists."""


def several(head: str, problems: list[str]) -> EvobinError:
    """One error for all problems: one is told alone, several below `head`, the first ten of them.

    Example:
        >>> print(several("1 file has problems", ["a is empty."]))
        a is empty.
        >>> print(several("2 files have problems", ["a is empty.", "b is missing."]))
        2 files have problems:
          a is empty.
          b is missing.
    """
    if len(problems) == 1:
        return EvobinError(problems[0])
    return EvobinError("\n  ".join([f"{head}:", *problems[:LISTED]]))


class TableError(EvobinError, ValueError):
    """Columns or cells of a table that are not what they must be: a wrong argument in Python."""


class SettingError(ValueError):
    """A setting that is out of range: wrong use, in Python as on the command line.

    The command line prints it after `evobin: ` and exits with 2.
    """


class Stopped(Exception):  # noqa: N818  # nothing is wrong
    """A run was asked to stop; it has kept all that it needs to go on.

    The text says where. The command line prints it and exits with 128 and the signal's number.
    """


class AlreadyTold(Exception):  # noqa: N818  # the errors were told before
    """Something of what was asked for could not be done, and a line each on stderr said so.

    The command line exits with 1.
    """


class WorkersError(EvobinError):
    """Workers were lost again and again; what was done before is kept."""
