"""The warnings of fastml that a user may want to filter or to turn into errors."""

from sklearn.exceptions import ConvergenceWarning


class FitInterrupted(ConvergenceWarning):
    """A fit was stopped by Ctrl-C between two rounds; the model holds the rounds that were done.

    A second Ctrl-C raises KeyboardInterrupt at once; ``warnings.simplefilter("error", FitInterrupted)``
    makes the first one end the fit with an exception.
    """
