"""Every episode derives its own seed, so that no two share their randomness and a rerun repeats it."""

import hashlib


def derive_seed(battery_seed: int, case_hash: str, model: str, epoch: int) -> int:
    """Derive an episode's seed.

    Args:
        battery_seed: The seed given by the user.
        case_hash: Identity of the case.
        model: Identity of the model.
        epoch: Repetition, from 0.

    Returns:
        A number in [0, 2**31), which every provider and library accepts.
    """
    key = f"{battery_seed}\x00{case_hash}\x00{model}\x00{epoch}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) >> 1
