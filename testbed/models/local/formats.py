"""The number format that a local model's tokens are computed in, known before a plan is made and without the model.

Formats round differently by orders of magnitude (fp32 keeps 24 bits of a number, fp16 11, bf16 8), so that even greedy
answers may part ways: the format is part of a model's identity. The device is not: in one format, devices differ only
in the order in which they add.
"""

from testbed.models.local.resolve import require_extra
from testbed.types import NumberFormat

TORCH_NAMES: dict[NumberFormat, str] = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def default_device() -> str:
    """Name the device that models run on: the GPU if there is one. Loads torch.

    Raises:
        TestbedError: The extra is not installed.
    """
    require_extra()
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def default_format(device: str) -> NumberFormat:
    """Choose where nothing was chosen: fp32 on the CPU, so that a result does not depend on the processor, else bf16.

    Args:
        device: As torch names it, such as ``cuda`` or ``cuda:1``.
    """
    return "fp32" if device == "cpu" else "bf16"
