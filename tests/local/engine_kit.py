"""What the tests of the engine ask, and what transformers' own ``generate`` answers to it."""

import random
from functools import cache

import torch
from transformers import AutoModelForCausalLM

from testbed.models.local.requests import BASE, Request

NEVER = frozenset[int]()
ADAPTERS = ("left", "right")


def tokens(seed, length):
    rng = random.Random(seed)
    return [rng.randrange(3, 260) for _ in range(length)]


OPENING = tokens(0, 90)


def prompt(number):
    return OPENING + tokens(number + 1, 2 + number % 23)


def ask(prompts, limit=12, temperature=0.0, adapters=(BASE,), stops=NEVER):
    return [
        Request(p, len(OPENING), limit, stops, adapters[n % len(adapters)], temperature, seed=n)
        for n, p in enumerate(prompts)
    ]


def answers(engine, requests):
    for request in requests:
        engine.submit(request)
    return [request.future.result(60) for request in requests]


@cache
def reference(folder, adapter):
    model = AutoModelForCausalLM.from_pretrained(folder / "base").eval()
    if adapter != BASE:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, folder / adapter).eval()
    return model


def generated(folder, given, limit, adapter=BASE):
    out = reference(folder, adapter).generate(
        input_ids=torch.tensor([given]), max_new_tokens=limit, do_sample=False, eos_token_id=None, pad_token_id=0
    )
    return tuple(out[0, len(given) :].tolist())
