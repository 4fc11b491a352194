"""Translation engines, one file each, behind the contract of :mod:`harness.transfer.translate.contract`."""
