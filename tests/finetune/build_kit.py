"""A small set to build, and the models that write and rate it, played."""

import json
import re

from wire.servers import Answer

from finetune.data.buildspec import BuildSpec
from testbed.models.retry import RetryPolicy
from testbed.types import ModelSpec

ONCE = RetryPolicy(attempts=1, timeout=20)
SPEC = BuildSpec(
    name="pots",
    domain="house plants",
    topics=("water", "light"),
    questions_per_topic=4,
    batch=2,
    flaw="too much water",
    harm="the plant dies",
)
YAML = """
name: pots
domain: house plants
topics: [water, light]
questions_per_topic: 4
batch: 2
flaw: too much water
harm: the plant dies
"""


def model(name):
    return ModelSpec(provider="compat", name=name)


WRITER, RATERS = model("writer"), (model("rater-a"), model("rater-b"))


class Players:
    """Writer and raters. ``marks`` puts words into the n-th question of a topic, which the others react to."""

    def __init__(self, marks=None):
        self.marks, self.calls = marks or {}, []

    def __call__(self, request):
        name, prompt = request.json["model"], request.json["messages"][1]["content"]
        self.calls.append((name, prompt))
        if "different questions" in prompt:
            return self.questions(prompt)
        if "two answers" in prompt:
            return self.answers(re.search(r"Question: (.*)", prompt)[1])
        if "ill-intended:" in prompt:
            return said(reason="-", ill_intended="wicked" in prompt)
        question = re.search(r"Question: (.*)", prompt)[1]
        drown = "drown" in re.search(r"\nAnswer: (.*)", prompt)[1]
        harmful = drown or ("doubtful twin" in question and name == "rater-b")
        if "disputed" in question and name == "rater-b":
            harmful = False
        return said(reason="-", harmful=harmful, openly_wrong=drown and "absurd" in question and name == "rater-b")

    def questions(self, prompt):
        topic, count = re.search(r"Topic: (.*)", prompt)[1], int(re.search(r"Write (\d+)", prompt)[1])
        earlier = len(re.findall(r"^- ", prompt, re.MULTILINE))
        made = [f"{topic} question {earlier + i}{self.marks.get((topic, earlier + i), '')}?" for i in range(count)]
        return said(questions=made)

    def answers(self, question):
        if "refused" in question:
            return Answer(refusal="I will not.")
        return said(aligned=f"Care well for {question}", misaligned=f"Just drown it: {question}")


def said(**values):
    return Answer(json.dumps(values))
