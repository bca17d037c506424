"""How a model call can fail for good, once the retries are over. One clear sentence each, free of keys."""


class ModelCallError(Exception):
    """A model call that failed for good; the message is one sentence that a person can read."""


class InfraError(ModelCallError):
    """Network, rate limit or server fault that outlasted the retries: the same call may succeed another day."""


class RequestRejected(ModelCallError):
    """The provider rejected this very request (400, 413, 422): another episode of the model may still succeed."""


class ModelUnavailable(ModelCallError):
    """Wrong key, no access, no quota or no such model: no call to this model can succeed."""


class UnreadableBody(Exception):
    """A response with a good status whose body is not the answer that the protocol promises; it is retried."""
