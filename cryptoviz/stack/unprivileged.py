"""Run a server that refuses root: ``unprivileged.py -- COMMAND...`` becomes the command, as nobody if it must.

Standard library only and run by path. Started by an ordinary user it changes nothing. Started by root it becomes
``nobody`` and keeps one capability, to pass the private folders of the home and of the packages. The command ends with
its parent by SIGINT, which PostgreSQL takes as "stop now, in order"; SIGTERM would wait for its clients.
"""

import ctypes
import os
import pwd
import signal
import sys

_ACCOUNT = "nobody"
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def main(arguments: list[str]) -> None:
    """Become the command."""
    command = arguments[arguments.index("--") + 1 :]
    parent = os.getppid()
    # Ignored in jobs of a shell's background, and so in what they start.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.geteuid() == 0:
        become_nobody()
    if sys.platform == "linux":
        # After the change of user, which clears it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            sys.exit("the parent ended before the command began")
    os.execv(command[0], command)  # noqa: S606 - becoming the command is the purpose


def become_nobody() -> None:
    """Give up root for good, except for passing folders that only root may enter (Linux)."""
    account = pwd.getpwnam(_ACCOUNT)
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if sys.platform == "linux":
        _keep_passage(libc)


def _keep_passage(libc: ctypes.CDLL) -> None:
    """Reduce the capabilities to the one, and let it survive the exec. Where that is refused there are none at all."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    one = 1 << _CAP_DAC_OVERRIDE
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(one, one, one, 0, 0, 0)
    if libc.capset(header, effective_permitted_inheritable) == 0:
        libc.prctl(_PR_CAP_AMBIENT, _CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
    else:
        nothing = (ctypes.c_uint32 * 6)()
        libc.capset(header, nothing)


if __name__ == "__main__":
    main(sys.argv[1:])
