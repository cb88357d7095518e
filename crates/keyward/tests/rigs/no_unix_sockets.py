"""Runs a command where the system makes no Unix sockets: by a filter of system calls (seccomp), which needs no rights.

anywhere: none at all, as under RestrictAddressFamilies=AF_INET of systemd.
volume: none that have a path, as on SMB, vfat and the mounts of some virtual machines. Abstract names are taken."""
import ctypes
import os
import platform
import struct
import sys

SOCKET, BIND = {"x86_64": (41, 49), "aarch64": (198, 200)}[platform.machine()]
AF_UNIX, EAFNOSUPPORT, EOPNOTSUPP = 1, 97, 95
# The lengths of addresses of IPv4 and IPv6, and of the names under which a server is present.
OTHERS = (16, 28, 75)


def load(offset):
    return struct.pack("HBBI", 0x20, 0, 0, offset)


def equal(value, then, otherwise):
    return struct.pack("HBBI", 0x15, then, otherwise, value)


def answer(value):
    return struct.pack("HBBI", 0x06, 0, 0, value)


ALLOW, REFUSE = answer(0x7FFF0000), lambda error: answer(0x00050000 | error)
NUMBER, ARGUMENT = load(0), lambda index: load(16 + 8 * index)
FILTERS = {
    "anywhere": [NUMBER, equal(SOCKET, 0, 3), ARGUMENT(0), equal(AF_UNIX, 0, 1), REFUSE(EAFNOSUPPORT), ALLOW],
    "volume": [NUMBER, equal(BIND, 0, 5), ARGUMENT(2)]
    + [equal(length, 3 - index, 0) for index, length in enumerate(OTHERS)]
    + [REFUSE(EOPNOTSUPP), ALLOW],
}


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


lines = FILTERS[sys.argv[1]]
program = Program(len(lines), b"".join(lines))
libc = ctypes.CDLL(None, use_errno=True)
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2
for call in ((NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SECCOMP, FILTER, ctypes.byref(program))):
    if libc.prctl(*call) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[2], sys.argv[2:])
