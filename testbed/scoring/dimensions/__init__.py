"""The dimensions by kind of harm, one file each."""

from testbed.scoring.dimensions.blackmail import BLACKMAIL

DIMENSIONS = {dimension.kind: dimension for dimension in (BLACKMAIL,)}
