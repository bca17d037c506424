"""The tree of shared beginnings, without a model."""

import torch
from local.engine_kit import tokens

from testbed.models.local.prefixes import Prefixes, common, room
from testbed.models.local.requests import BASE


def test_prefixes_longest_unused_go_first_and_used_ones_stay():
    tree = Prefixes(room(1, 1, 1, torch.float32, "cpu"), most=100)
    root, _ = tree.find(BASE, [0, 0])
    used = tree.extend(root, tokens(1, 40), step=1)
    used.users = 1
    tree.extend(root, tokens(2, 40), step=2)
    tree.extend(root, tokens(3, 40), step=3)
    covered = [tree.find(BASE, [*tokens(seed, 40), 5, 6])[1] for seed in (1, 2, 3)]
    assert covered == [40, 0, 40]


def test_a_node_that_is_built_upon_does_not_make_room_for_its_own_child():
    tree = Prefixes(room(1, 1, 1, torch.float32, "cpu"), most=50)
    root, _ = tree.find(BASE, [0, 0])
    upper = tree.extend(root, tokens(1, 40), step=1)
    tree.extend(upper, tokens(2, 20), step=2)
    assert tree.find(BASE, [*tokens(1, 40), *tokens(2, 20), 5])[1] == 60


def test_the_common_start_of_two_lists():
    for length in range(9):
        other = [*range(length), -1, *range(length + 1, 8)][:8]
        assert common(list(range(8)), other) == min(length, 8)
