import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testbed.store.texts import KEY, LONG, dehydrate, hydrate, pack, references, text_hash, unpack

texts = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates too: models produce them
long_texts = st.builds(lambda s, n: (s or "x") * (LONG // max(len(s), 1) + n), texts, st.integers(0, 2))
keys = st.one_of(st.just(KEY), texts)
trees = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts, long_texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(keys, inner, max_size=3),
        st.builds(lambda value: {KEY: value}, inner),
    ),
    max_leaves=20,
)


@given(trees)
@example({KEY: text_hash("somebody's text")})
@example({KEY: [{KEY: ["x"]}]})
@example({KEY: "long " * LONG})
@example({KEY: {KEY: text_hash("y" * LONG)}, "other": 1})
def test_any_tree_survives_and_holds_no_long_text(tree):
    taken = {}
    lean = json.loads(json.dumps(dehydrate(tree, taken)))
    assert references(lean) == set(taken)
    assert hydrate(lean, {key: unpack(pack(text)) for key, text in taken.items()}) == tree
    assert all(len(leaf) < LONG for leaf in _strings(lean))


def _strings(tree):
    if isinstance(tree, str):
        yield tree
    for item in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _strings(item)


def test_a_shared_text_is_taken_out_once():
    taken = {}
    dehydrate([{"body": "z" * LONG}, {"other": ["z" * LONG]}, "z" * (LONG - 1)], taken)
    assert list(taken.values()) == ["z" * LONG]


def test_a_missing_text_is_an_error():
    with pytest.raises(KeyError):
        hydrate({KEY: text_hash("gone")}, {})
