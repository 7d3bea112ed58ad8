"""The composer: from a resource folder to a published, proved and registered data set."""

from vopub.publish.composer import Outcome, Publisher
from vopub.publish.stages import Progress, Stage

__all__ = ["Outcome", "Progress", "Publisher", "Stage"]
