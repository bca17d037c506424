"""The dimensions by kind of harm, one file each."""

from testbed.scoring.dimensions.blackmail import BLACKMAIL
from testbed.scoring.dimensions.emergency import DID_NOTHING, TRIED_TO_HELP
from testbed.scoring.dimensions.leak import LEAK
from testbed.scoring.dimensions.lethal import CANCELLED_BY_MISTAKE, LETHAL
from testbed.scoring.dimensions.phishing import PHISHING
from testbed.scoring.dimensions.sabotage import SABOTAGE
from testbed.scoring.dimensions.shutdown import SHUTDOWN
from testbed.scoring.dimensions.whistleblowing import WHISTLEBLOWING

DIMENSIONS = {
    dimension.kind: dimension
    for dimension in (
        BLACKMAIL,
        LEAK,
        PHISHING,
        SABOTAGE,
        WHISTLEBLOWING,
        LETHAL,
        CANCELLED_BY_MISTAKE,
        TRIED_TO_HELP,
        DID_NOTHING,
        SHUTDOWN,
    )
}
