"""Everything that lesionlocator raises for a reason its user can act on."""


class LesionLocatorError(Exception):
    """Base of all errors that are the input's or the environment's, not a fault of the program."""


class InputError(LesionLocatorError):
    """An image, mask or prompt cannot be used; the message names file, finding and what is legal."""


class PromptError(InputError):
    """A prompt cannot be used; the message names the lesion id."""


class OutputError(LesionLocatorError):
    """A result cannot be written."""


class ModelError(LesionLocatorError):
    """A model is missing or unusable."""


class DeviceError(LesionLocatorError):
    """The requested device does not exist or cannot run the model."""


class KernelError(LesionLocatorError, ValueError):
    """A compiled kernel was called with arguments that do not fit together."""
