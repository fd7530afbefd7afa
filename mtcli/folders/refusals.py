"""Which errors mean that a file system lacks a feature, rather than that something went wrong."""

from __future__ import annotations

import errno

REFUSALS = frozenset(
    {
        errno.EPERM,  # exFAT and FAT
        errno.EACCES,
        errno.EROFS,  # shared folders of VirtualBox
        errno.ENOSYS,  # FUSE, Lustre
        errno.EOPNOTSUPP,  # Google Drive in Colab, SMB
        errno.ENOTSUP,
        errno.ENOTTY,
        errno.EINVAL,
        errno.ENOLCK,  # NFS without its lock daemon
        errno.EBADF,  # NFS, for a lock or a sync of what is open for reading only
    }
)
"""What links, locks and syncs fail with where they do not exist. A full disk (ENOSPC, EDQUOT) and
one that breaks (EIO) are not among them."""


def is_refusal(error: OSError) -> bool:
    """Whether the file system lacks what was asked for."""
    return error.errno in REFUSALS
