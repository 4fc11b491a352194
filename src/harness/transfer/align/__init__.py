"""Word aligners, one file each, behind the contract of :mod:`harness.transfer.align.contract`."""
