"""What can go wrong before or while a stack runs, each with the sentence a person needs. Imports nothing."""


class StackError(RuntimeError):
    """The stack cannot go on; the message says what, why and what to do."""


class ToolMissing(StackError):
    """Something the stack is made of could not be obtained."""


class JarsDiffer(StackError):
    """A folder of jars is not what its lock says."""


class PortTaken(StackError):
    """Another process listens where a service of the stack should."""


class AlreadyRunning(StackError):
    """A launcher already holds this home."""


class HomeHoldsOther(StackError):
    """The home holds the data of another kind of stack."""


class ServiceFailed(StackError):
    """A service did not become ready."""
